// Problems and results from hand to hand: exchange write PROBLEM RESULT | exchange read FILE...
#include <mcd.hpp>

#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

namespace {

void write(const std::string &problem_path, const std::string &result_path) {
    const std::vector<double> fields = {0, 0.02, 0.05, 0.07}, target = {1, 1.5, 2, 2.5}, weights = {1, 2, 0.5, 1};
    const mcd::Wire wire(6, 4, fields, 1.2);
    std::vector<double> basis(2 * 6 * 4);
    for (std::size_t y = 0; y < 4; ++y) basis[1 * 4 + y] = 1; // the first gate crosses the wire at x = 1
    basis[(6 + 4) * 4 + 2] = 1;                               // the second is over site (4, 2)
    mcd::Problem gates(wire, target);
    gates.set_gates(basis, std::vector<double>{0.25, -0.5});
    gates.set_bounds(std::vector<double>{-1, -1}, std::vector<double>{1, 2}).set_weights(weights).set_loss("huber", 0.5);
    gates.save(problem_path);

    std::vector<double> start = wire.clean();
    start[4 * 4 + 2] = 4.75;
    mcd::Problem sites(wire, target);
    sites.set_sites(start).set_regularizer("smoothness", 0.01);
    mcd::Job::design(sites).set_max_evaluations(3).run().save(result_path);
}

// What every language says of a file: the objective at the start, the potential of two sites, and L of a result.
void read(const std::string &path) {
    const mcd::Problem problem = mcd::Problem::load(path);
    const std::vector<double> start = problem.start(), onsite = problem.onsite(start);
    std::printf("%s %.15g %.15g %.15g", std::filesystem::path(path).filename().c_str(), problem.objective(start).value,
                onsite[1 * 4 + 3], onsite[4 * 4 + 2]);
    try {
        std::printf(" %.15g", mcd::Result::load(path).objective());
    } catch (const mcd::FileError &) { // a problem alone
    }
    std::printf("\n");
}

} // namespace

int main(int argc, char **argv) {
    if (argc == 4 && std::string(argv[1]) == "write") write(argv[2], argv[3]);
    else
        for (int i = 2; i < argc; ++i) read(argv[i]);
    return mcd::live_handles() == 0 ? 0 : 1;
}
