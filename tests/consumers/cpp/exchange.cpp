// Problems and results from hand to hand: exchange write FILE | exchange read FILE...
#include "check.hpp"

int main(int argc, char **argv) {
    const std::string verb = argc > 1 ? argv[1] : "";
    const std::vector<double> fields = {0, 0.02, 0.05, 0.07}, target = {1, 1.5, 2, 2.5};
    if (verb == "write") {
        const mcd::Wire wire(6, 4, fields, 1.2);
        std::vector<double> start = wire.clean();
        start[4 * 4 + 2] = 4.75; // site (4, 2)
        mcd::Problem problem(wire, target);
        problem.set_sites(start).set_regularizer("smoothness", 0.01);
        mcd::Job::design(problem).set_max_evaluations(3).run().save(argv[2]);
        return 0;
    }
    for (int i = 2; i < argc; ++i)
        check::test(argv[i], [&] {
            const mcd::Result result = mcd::Result::load(argv[i]);
            const mcd::Problem problem = result.problem();
            check::that(problem.wire().fields() == fields && problem.target() == target, "fields and target");
            check::same(problem.start()[4 * 4 + 2], 4.75, "onsite[4][2]");
            check::same(problem.regularizer("smoothness"), 0.01, "smoothness");
            check::that(problem.wire().conductance(result.onsite()) == result.conductance(), "conductance of the result");
        });
    return check::summary("exchange with C++");
}
