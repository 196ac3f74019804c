// What the C++ consumers share: named tests that count, and the reference strips.
#pragma once

#include <mcd.hpp>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace check {

inline int passed = 0, failed = 0;

struct Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

inline void that(bool holds, const std::string &what) {
    if (!holds) throw Failure(what);
}

template <class A, class B> void same(const A &have, const B &want, const std::string &what) {
    std::ostringstream message;
    message.precision(17);
    message << what << ": " << have << " instead of " << want;
    that(have == want, message.str());
}

inline void close(double have, double want, double tolerance, const std::string &what) {
    std::ostringstream message;
    message.precision(17);
    message << what << ": " << have << " instead of " << want << ", tolerance " << tolerance;
    that(std::abs(have - want) <= tolerance, message.str());
}

inline void contains(const std::string &text, const std::string &part) {
    that(text.find(part) != std::string::npos, "\"" + text + "\" does not say \"" + part + "\"");
}

// call() throws exactly this kind of error; its message is returned.
template <class E> std::string throws(const std::function<void()> &call, const std::string &what) {
    try {
        call();
    } catch (const E &error) {
        return error.what();
    }
    throw Failure(what + ": nothing was thrown");
}

inline void test(const char *name, const std::function<void()> &body) {
    try {
        body();
        ++passed;
    } catch (const std::exception &error) {
        ++failed;
        std::printf("FAILED %s: %s\n", name, error.what());
    }
}

inline int summary(const char *program) {
    std::printf("%s: %d passed, %d failed\n", program, passed, failed);
    return failed == 0 ? 0 : 1;
}

// A reference strip as tests/consumers/reference.py writes it.
class Reference {
public:
    explicit Reference(const std::string &path) {
        std::ifstream file(path);
        if (!file) throw Failure("cannot read " + path);
        std::string name;
        for (std::size_t count; file >> name >> count;) {
            std::vector<double> &values = values_[name];
            values.resize(count);
            for (double &v : values) file >> v;
        }
    }
    const std::vector<double> &operator[](const std::string &name) const { return values_.at(name); }
    double scalar(const std::string &name) const { return values_.at(name).at(0); }
    mcd::Wire wire(const std::string &fields = "fields") const {
        mcd::Wire wire(static_cast<std::int64_t>(scalar("length")), static_cast<std::int64_t>(scalar("width")),
                       values_.at(fields), scalar("energy"));
        wire.set_hopping(scalar("hopping")).set_lead_onsite(scalar("lead_onsite"));
        return wire;
    }

private:
    std::map<std::string, std::vector<double>> values_;
};

} // namespace check
