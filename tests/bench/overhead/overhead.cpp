// The calls of engine/main.go from C++.
#include <mcd.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

template <class Call> void least(int calls, Call call) {
    double best = 1e18;
    for (int round = 0; round < 20; ++round) {
        const auto begin = std::chrono::steady_clock::now();
        for (int i = 0; i < calls; ++i) call();
        best = std::min(best, std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / calls);
    }
    std::printf("%.0f ", best);
}

void measure(std::int64_t size, std::size_t points, int calls) {
    std::vector<double> fields(points), onsite(static_cast<std::size_t>(size * size)), g(points), jacobian(points * onsite.size());
    for (std::size_t k = 0; k < points; ++k) fields[k] = 0.12 * static_cast<double>(k) / 100;
    for (std::size_t i = 0; i < onsite.size(); ++i) onsite[i] = 4 + 0.1 * static_cast<double>(i % 7);
    const mcd::Wire wire(size, size, fields, 2.5);
    if (size == 1) least(calls, [&] { wire.hopping(); });
    least(calls, [&] { wire.conductance(onsite, g); });
    least(calls, [&] { wire.jacobian(onsite, g, jacobian); });
}

int main() {
    mcd::set_threads(1);
    measure(1, 1, 2000);
    measure(30, 101, 1);
    std::printf("\n");
}
