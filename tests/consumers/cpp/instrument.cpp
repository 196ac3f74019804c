// A control loop as it runs an instrument: gates over a wire with unknown disorder are tuned until the measured curve is the
// one wanted. mcd is the model: it explains what was measured (a fit of the disorder) and proposes the next voltages.
//
// The gate array lives on a thread of its own, with settling times, noise and a watchdog: a controller that is silent for
// longer than the deadline loses its gates. So the loop ticks while the searches run in the background, and polls them.
// Everything that the controller knows is in .mcd files, written after every step: killed at any moment, it goes on where it
// was and ends at the same voltages to the last bit.
//
// usage: instrument SCRATCH_FOLDER         the tests
//        instrument SCRATCH_FOLDER run     the controller alone, to be killed
#include "check.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <future>
#include <mutex>
#include <optional>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using check::that;
namespace fs = std::filesystem;

extern char **environ;

namespace {

constexpr std::int64_t length = 14, width = 10;
constexpr std::size_t gates = 6, modes = 8, points = 24, rounds = 3;
constexpr auto period = 5ms;
#ifdef __SANITIZE_THREAD__
constexpr auto deadline = 1000ms; // the locks of this sanitizer know no priorities
#else
constexpr auto deadline = 100ms;
#endif
constexpr double noise = 0.003;

double milliseconds(Clock::duration d) { return std::chrono::duration<double, std::milli>(d).count(); }

std::vector<double> fields() {
    std::vector<double> out(points);
    for (std::size_t k = 0; k < points; ++k) out[k] = 0.15 * static_cast<double>(k) / (points - 1);
    return out;
}

mcd::Wire new_wire() {
    mcd::Wire wire(length, width, fields(), 1.2);
    wire.set_threads(1); // one core for the model, the others for the instrument
    return wire;
}

// Bumps of the given radius, as rows of (count x length x width).
std::vector<double> bumps(const std::vector<double> &x, const std::vector<double> &y, double radius) {
    std::vector<double> out;
    for (std::size_t i = 0; i < x.size(); ++i)
        for (std::int64_t a = 0; a < length; ++a)
            for (std::int64_t b = 0; b < width; ++b) {
                const double dx = static_cast<double>(a) - x[i], dy = static_cast<double>(b) - y[i];
                out.push_back(std::exp(-(dx * dx + dy * dy) / (radius * radius)));
            }
    return out;
}

std::vector<double> gate_basis() { return bumps({2, 2, 6.5, 6.5, 11, 11}, {1, 8, 1.5, 7.5, 1, 8}, 2.5); }
std::vector<double> disorder_basis() { return bumps({1, 4, 7, 10, 13, 4, 8, 12}, {5, 3, 6, 3, 5, 8, 1, 8}, 2.2); }

std::vector<double> sum(std::vector<double> onsite, const std::vector<double> &basis, const std::vector<double> &weights) {
    for (std::size_t i = 0; i < weights.size(); ++i)
        for (std::size_t s = 0; s < onsite.size(); ++s) onsite[s] += weights[i] * basis[i * onsite.size() + s];
    return onsite;
}

// A number in [-1, 1) that depends on its two arguments only: noise that does not care when it is drawn.
double scatter(std::uint64_t a, std::uint64_t b) {
    std::uint64_t z = a * 0x9e3779b97f4a7c15U + b * 0xbf58476d1ce4e5b9U + 0x94d049bb133111ebU;
    for (int i = 0; i < 3; ++i) {
        z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
        z ^= z >> 27U;
    }
    return static_cast<double>(z >> 11U) * 0x1p-52 - 1;
}

// ------------------------------------------------------------------------------------------------------ the instrument

// A gate array over a wire whose disorder nobody knows. Commands are carried out one after the other on a thread of its own.
class Instrument {
public:
    Instrument() : wire_(new_wire()), disorder_(wire_.clean()) {
        std::vector<double> amplitudes(modes);
        for (std::size_t i = 0; i < modes; ++i) amplitudes[i] = 0.1 * scatter(1, i);
        disorder_ = sum(disorder_, disorder_basis(), amplitudes);
        for (std::size_t s = 0; s < disorder_.size(); ++s) disorder_[s] += 0.01 * scatter(8, s); // and what no model has
        heard_ = Clock::now();
        thread_ = std::thread([this] { work(); });
    }
    ~Instrument() {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            stop_ = true;
        }
        wake_.notify_all();
        thread_.join();
    }
    Instrument(const Instrument &) = delete;
    Instrument &operator=(const Instrument &) = delete;

    // Applies voltages; reads the whole curve once they have settled. Returns at once.
    void measure(std::vector<double> volts, std::uint64_t run) {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            volts_ = std::move(volts);
            run_ = run;
            wanted_ = true;
            curve_.reset();
        }
        wake_.notify_all();
    }
    // The curve, once it is complete.
    std::optional<std::vector<double>> curve() {
        const std::lock_guard<std::mutex> lock(mutex_);
        return curve_;
    }
    // The controller is alive. A silence longer than the deadline is counted: on a real array the gates would be grounded.
    void heartbeat() {
        const Clock::time_point now = Clock::now();
        const Clock::duration silence = now - std::exchange(heard_, now);
        longest_silence_ = std::max(longest_silence_, silence);
        missed_ += silence > deadline;
    }
    int missed() const { return missed_; }
    Clock::duration longest_silence() const { return longest_silence_; }

private:
    void work() {
        std::unique_lock<std::mutex> lock(mutex_);
        for (;;) {
            wake_.wait(lock, [this] { return stop_ || wanted_; });
            if (stop_) return;
            wanted_ = false;
            const std::vector<double> volts = volts_;
            const std::uint64_t run = run_;
            lock.unlock();
            std::this_thread::sleep_for(3ms); // settling
            std::vector<double> g = wire_.conductance(sum(disorder_, gate_basis(), volts));
            for (std::size_t k = 0; k < g.size(); ++k) {
                std::this_thread::sleep_for(200us); // the magnet moves on
                g[k] += noise * scatter(run + 100, k);
            }
            lock.lock();
            curve_ = std::move(g);
        }
    }

    mcd::Wire wire_;
    std::vector<double> disorder_;
    std::mutex mutex_;
    std::condition_variable wake_;
    bool stop_ = false, wanted_ = false;
    std::vector<double> volts_;
    std::uint64_t run_ = 0;
    std::optional<std::vector<double>> curve_;
    Clock::time_point heard_;
    Clock::duration longest_silence_{};
    int missed_ = 0;
    std::thread thread_;
};

// Lets this thread run before all ordinary ones, as control loops do, where the system permits it. Threads that it starts are
// ordinary again: those of mcd that it may start by a call are meant.
bool realtime() {
    const sched_param first = {1};
    return sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &first) == 0;
}

// How late the ticks of a loop were.
struct Jitter {
    std::vector<double> late; // ms

    double mean() const {
        double total = 0;
        for (const double v : late) total += v;
        return total / static_cast<double>(late.size());
    }
    double quantile(double q) const {
        std::vector<double> sorted = late;
        std::sort(sorted.begin(), sorted.end());
        return sorted[static_cast<std::size_t>(q * static_cast<double>(sorted.size() - 1))];
    }
    void print(const char *when) const {
        std::printf("instrument: %4zu ticks %-28s late by %.3f ms on average, 99 %% below %.2f ms, at most %.2f ms\n",
                    late.size(), when, mean(), quantile(0.99), quantile(1));
    }
};

// Ticks every period until ready() says so. A tick that comes late does not move the next ones.
Jitter tick_until(Instrument &instrument, const std::function<bool()> &ready) {
    Jitter jitter;
    for (Clock::time_point next = Clock::now() + period;; next += period) {
        std::this_thread::sleep_until(next);
        const Clock::time_point now = Clock::now();
        jitter.late.push_back(milliseconds(now - next));
        instrument.heartbeat();
        if (ready()) return jitter;
        while (next + period < now) next += period; // ticks that are over
    }
}

// ------------------------------------------------------------------------------------------------------ the controller

std::vector<double> wanted_curve(const mcd::Wire &wire) {
    return wire.conductance(sum(wire.clean(), gate_basis(), {0.9, -0.3, 0.6, 0.2, -0.5, 0.8}));
}

double distance(const std::vector<double> &a, const std::vector<double> &b) {
    double sum = 0;
    for (std::size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return std::sqrt(sum / static_cast<double>(a.size()));
}

struct Outcome {
    std::vector<double> volts, misfit; // before every round and at the end
};

// Ticks while something that takes its time is done by another thread.
template <class Work> auto meanwhile(Instrument &instrument, Work work) {
    std::future<decltype(work())> done = std::async(std::launch::async, std::move(work));
    tick_until(instrument, [&] { return done.wait_for(0s) == std::future_status::ready; });
    return done.get();
}

std::vector<double> measure(Instrument &instrument, const std::vector<double> &volts, std::uint64_t run) {
    std::optional<std::vector<double>> curve;
    instrument.measure(volts, run);
    tick_until(instrument, [&] { return (curve = instrument.curve()).has_value(); });
    return *curve;
}

// The volts that a search found. Its outcome is in a file: read if it is there, resumed if its checkpoint is, else begun.
std::vector<double> search(const fs::path &file, const mcd::Problem &problem) {
    if (!fs::exists(file)) {
        const std::string part = file.string() + ".part";
        mcd::Job job = fs::exists(part) ? mcd::Job::resume(part) : mcd::Job::design(problem);
        job.set_starts(4, 0.2).set_max_evaluations(200).set_checkpoint(part, 20ms).run().save(file.string());
    }
    return mcd::Result::load(file.string()).quantity("volts");
}

// What disorder explains the curve that was measured at these voltages?
std::vector<double> explain(const fs::path &file, const std::vector<double> &curve, const std::vector<double> &volts,
                            const std::vector<double> &disorder) {
    const mcd::Wire wire = new_wire();
    mcd::Problem problem(wire, curve);
    problem.set_gates(disorder_basis(), disorder).set_background(sum(wire.clean(), gate_basis(), volts));
    return search(file, problem);
}

// Which voltages bring the curve wanted, if this is the disorder?
std::vector<double> propose(const fs::path &file, const std::vector<double> &disorder, const std::vector<double> &volts) {
    const mcd::Wire wire = new_wire();
    mcd::Problem problem(wire, wanted_curve(wire));
    problem.set_gates(gate_basis(), volts).set_background(sum(wire.clean(), disorder_basis(), disorder));
    problem.set_bounds(std::vector<double>(gates, -2.0), std::vector<double>(gates, 2.0));
    return search(file, problem);
}

Outcome control(Instrument &instrument, const fs::path &folder) {
    const std::vector<double> target = wanted_curve(new_wire());
    Outcome out;
    out.volts.assign(gates, 0.0);
    std::vector<double> disorder(modes, 0.0);
    for (std::size_t round = 0; round < rounds; ++round) {
        const fs::path explained = folder / ("disorder-" + std::to_string(round) + ".mcd");
        const fs::path proposed = folder / ("gates-" + std::to_string(round) + ".mcd");
        const std::vector<double> curve = measure(instrument, out.volts, round);
        out.misfit.push_back(distance(curve, target));
        disorder = meanwhile(instrument, [&] { return explain(explained, curve, out.volts, disorder); });
        out.volts = meanwhile(instrument, [&] { return propose(proposed, disorder, out.volts); });
    }
    out.misfit.push_back(distance(measure(instrument, out.volts, rounds), target));
    return out;
}

// ----------------------------------------------------------------------------------------------------------- the tests

fs::path fresh(const fs::path &folder) {
    fs::remove_all(folder);
    fs::create_directories(folder);
    return folder;
}

Outcome undisturbed; // of the first test, compared with by the last

void tunes(const fs::path &folder) {
    Instrument instrument;
    const Clock::time_point begin = Clock::now();
    undisturbed = control(instrument, fresh(folder / "whole"));
    std::printf("instrument: tuned in %.0f ms; distance from the curve wanted", milliseconds(Clock::now() - begin));
    for (const double m : undisturbed.misfit) std::printf(" %.4f", m);
    std::printf("; noise %.3f\n", noise);
    check::same(instrument.missed(), 0, "deadlines missed");
    that(undisturbed.misfit.back() < 0.1 * undisturbed.misfit.front(), "the curve comes ten times closer");
    const Outcome again = control(instrument, fresh(folder / "again"));
    that(again.volts == undisturbed.volts, "the same bits when run again");
}

// A search that has the model's thread busy for as long as one likes.
mcd::Job background(const mcd::Wire &wire) {
    std::vector<double> start = wire.clean();
    for (std::size_t s = 0; s < start.size(); ++s) start[s] += 0.3 * scatter(9, s);
    mcd::Problem problem(wire, wanted_curve(wire));
    problem.set_sites(start);
    mcd::Job job = mcd::Job::design(problem);
    job.set_method("adam").set_max_evaluations(0).set_stop_objective(-1e300).set_time_limit(30s);
    return job;
}

void ticks() {
    Instrument instrument;
    constexpr std::size_t count = 200;
    std::size_t ticks = 0;
    tick_until(instrument, [&] { return ++ticks >= count; }).print("with mcd idle");

    // Another thread waits for the search and leaves what it hears where the loop can read it without waiting.
    const mcd::Wire wire = new_wire();
    mcd::Job job = background(wire);
    std::atomic<std::int64_t> evaluations{0};
    std::future<void> watcher = std::async(std::launch::async, [&] {
        job.start().wait([&](const mcd::Progress &p) { evaluations = p.evaluations; });
    });
    ticks = 0;
    tick_until(instrument, [&] { return ++ticks >= count; }).print("with a search in background");
    that(evaluations > 10, "evaluations meanwhile");
    // (A loop that asks the search itself waits for the search's threads, which are ordinary ones: where the machine has other
    // work, for tens of milliseconds.)
    check::same(instrument.missed(), 0, "deadlines missed");
    std::printf("instrument: longest silence %.1f ms, deadline %.0f ms\n", milliseconds(instrument.longest_silence()),
                milliseconds(deadline));

    const Clock::time_point begin = Clock::now();
    job.cancel();
    const double asked = milliseconds(Clock::now() - begin);
    tick_until(instrument, [&] { return watcher.wait_for(0s) == std::future_status::ready; });
    const double ended = milliseconds(Clock::now() - begin);
    std::printf("instrument: the search made %lld evaluations; cancel() returned in %.2f ms, the search ended in %.1f ms\n",
                static_cast<long long>(evaluations.load()), asked, ended);
    watcher.get();
    check::same(job.result().status(), "cancelled", "status");
    that(ended < 1000, "a cancelled search ends");
}

pid_t spawn(const std::string &program, const fs::path &folder) {
    std::string arguments[] = {program, folder.string(), "run"};
    char *argv[] = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
    pid_t child = 0;
    that(posix_spawn(&child, program.c_str(), nullptr, nullptr, argv, environ) == 0, "starting " + program);
    return child;
}

// Kills the controller wherever it is, again and again, later each time, until it comes to an end.
void survives_kills(const std::string &program, const fs::path &folder) {
    fresh(folder);
    int kills = 0;
    for (auto patience = 60ms;; patience += 15ms) {
        const pid_t child = spawn(program, folder);
        std::this_thread::sleep_for(patience);
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        if (WIFEXITED(status)) {
            check::same(WEXITSTATUS(status), 0, "exit status of the controller");
            break;
        }
        that(++kills < 100, "the controller gets on between two kills");
    }
    that(kills > 0, "the controller was killed");
    Instrument instrument;
    const Outcome last = control(instrument, folder);
    std::printf("instrument: killed %d times, ended at the same voltages\n", kills);
    that(last.volts == undisturbed.volts, "the same bits after kills");
}

} // namespace

int main(int argc, char **argv) {
    const fs::path folder = fs::path(argc > 1 ? argv[1] : ".");
    const bool first = realtime();
    if (argc > 2 && std::strcmp(argv[2], "run") == 0) {
        Instrument instrument;
        control(instrument, folder);
        return 0;
    }
    std::printf("instrument: the loop runs %s\n", first ? "with real-time priority" : "as an ordinary thread");
    check::test("tunes a device to a curve", [&] { tunes(folder); });
    check::test("ticks while a search runs", ticks);
    check::test("survives kills", [&] { survives_kills(fs::canonical("/proc/self/exe").string(), folder / "killed"); });
    check::test("nothing leaked", [] { check::same(mcd::live_handles(), 0, "live handles"); });
    return check::summary("instrument");
}
