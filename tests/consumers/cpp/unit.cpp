// mcd.hpp as its users meet it: values and derivatives against the reference, errors, ownership, jobs, files.
// usage: unit REFERENCE_FOLDER SCRATCH_FOLDER
#include "check.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <type_traits>

using namespace std::chrono_literals;
using check::close;
using check::contains;
using check::same;
using check::that;
using check::throws;

namespace {

std::string scratch;

std::vector<double> sweep(double last, std::size_t count) {
    std::vector<double> out(count);
    for (std::size_t i = 0; i < count; ++i) out[i] = last * static_cast<double>(i) / static_cast<double>(count - 1);
    return out;
}

std::vector<double> with_defect(const mcd::Wire &wire, double x, double y, double amplitude, double radius) {
    const mcd::Shape shape = wire.shape();
    std::vector<double> onsite = wire.clean();
    for (std::int64_t i = 0; i < shape.length; ++i)
        for (std::int64_t j = 0; j < shape.width; ++j) {
            const double dx = static_cast<double>(i) - x, dy = static_cast<double>(j) - y;
            onsite[static_cast<std::size_t>(i * shape.width + j)] +=
                amplitude * std::exp(-(dx * dx + dy * dy) / (radius * radius));
        }
    return onsite;
}

mcd::Wire small() { return mcd::Wire(9, 8, sweep(0.2, 16), 1.2); }

double largest(const std::vector<double> &values) {
    return std::accumulate(values.begin(), values.end(), 0.0,
                           [](double a, double b) { return std::max(a, std::abs(b)); });
}

void reference(const std::string &path) {
    const check::Reference z(path);
    const mcd::Wire wire = z.wire();
    const std::vector<double> g = wire.conductance(z["onsite"]);
    for (std::size_t k = 0; k < g.size(); ++k) close(g[k], z["conductance_best"][k], 1e-11, "G of " + path);
    const std::vector<std::int64_t> modes = wire.open_modes();
    for (std::size_t k = 0; k < modes.size(); ++k)
        same(static_cast<double>(modes[k]), z["open_modes"][k], "modes of " + path);

    const mcd::Wire few = z.wire("fields_grad");
    const mcd::Jacobian j = few.jacobian(z["onsite"]);
    const double tolerance = 1e-10 * largest(z["grad"]);
    same(j.jacobian.size(), z["grad"].size(), "entries of the Jacobian");
    for (std::size_t i = 0; i < j.jacobian.size(); ++i) close(j.jacobian[i], z["grad"][i], tolerance, "dG/dh of " + path);

    std::vector<double> weights(few.points());
    for (std::size_t k = 0; k < weights.size(); ++k) weights[k] = 0.5 - 0.3 * static_cast<double>(k);
    const mcd::Gradient v = few.vjp(z["onsite"], weights);
    const std::size_t sites = few.shape().sites();
    for (std::size_t i = 0; i < sites; ++i) {
        double sum = 0;
        for (std::size_t k = 0; k < weights.size(); ++k) sum += weights[k] * j.jacobian[k * sites + i];
        close(v.gradient[i], sum, 1e-11, "product with weights");
    }
}

void observables() {
    const mcd::Wire wire = small();
    const std::vector<double> onsite = with_defect(wire, 4, 3, 2, 1.5), fields = wire.fields();
    const double g = wire.conductance(onsite)[5];
    const mcd::SMatrix s = wire.smatrix(onsite, fields[5], 1.2);
    const auto n = static_cast<std::size_t>(s.modes);
    same(s.s.size(), 4 * n * n, "entries of S");
    double t = 0;
    for (std::size_t m = n; m < 2 * n; ++m)
        for (std::size_t k = 0; k < n; ++k) t += std::norm(s.s[m * 2 * n + k]);
    close(t, g, 1e-12, "sum of |t|^2");
    const std::vector<double> eigenvalues = wire.transmission_eigenvalues(onsite, fields[5], 1.2);
    close(std::accumulate(eigenvalues.begin(), eigenvalues.end(), 0.0), g, 1e-12, "sum of the eigenvalues");

    const std::vector<double> ldos = wire.ldos(onsite, fields[5], 1.2);
    std::vector<double> density(ldos.size());
    for (const mcd::Lead lead : {mcd::Lead::left, mcd::Lead::right}) {
        const mcd::States states = wire.states(onsite, fields[5], 1.2, lead);
        for (std::size_t i = 0; i < states.psi.size(); ++i)
            density[i % density.size()] += std::norm(states.psi[i]) / (2 * std::acos(-1.0));
    }
    for (std::size_t i = 0; i < ldos.size(); ++i) close(density[i], ldos[i], 1e-11, "density of states");

    const double step = 1e-5;
    std::vector<double> up = fields, down = fields;
    for (double &f : up) f += step;
    for (double &f : down) f -= step;
    const mcd::Derivative d = wire.field_derivative(onsite);
    const double slope = (mcd::Wire(9, 8, up, 1.2).conductance(onsite)[5] - mcd::Wire(9, 8, down, 1.2).conductance(onsite)[5]) / (2 * step);
    close(d.derivative[5], slope, 1e-5 * std::max(1.0, std::abs(slope)), "dG/dphi");
    same(wire.energy_derivative(onsite).conductance[5], d.conductance[5], "G beside either derivative");

    std::vector<double> target(wire.points(), 1.0);
    same(wire.feasibility(target).report, "", "report of what can be reached");
    target[3] = 100;
    const mcd::Feasibility f = wire.feasibility(target);
    close(f.excess[3], 100 - static_cast<double>(wire.open_modes()[3]), 1e-12, "excess");
    contains(f.report, "exceeds");
}

void spans() {
    const mcd::Wire wire = small();
    const std::vector<double> onsite = with_defect(wire, 4, 3, 2, 1.5), g = wire.conductance(onsite);
    double block[2 * 16];
    std::fill(std::begin(block), std::end(block), -1.0);
    wire.conductance(onsite, mcd::span<double>(block, 16));
    that(std::equal(g.begin(), g.end(), block), "G in memory of the caller's");
    that(std::all_of(block + 16, block + 32, [](double v) { return v == -1; }), "memory behind a span is left alone");
    std::array<double, 16> array{};
    wire.conductance(onsite, array);
    that(std::equal(g.begin(), g.end(), array.begin()), "G in a std::array");
    contains(throws<mcd::ArgumentError>([&] { wire.conductance(onsite, mcd::span<double>(block, 15)); }, "a short span"), "15");
    static_assert(std::is_convertible_v<const std::vector<double> &, mcd::span<const double>>);
    static_assert(!std::is_convertible_v<const std::vector<double> &, mcd::span<double>>);
    static_assert(!std::is_convertible_v<std::vector<float> &, mcd::span<const double>>);
}

void ownership() {
    static_assert(!std::is_copy_constructible_v<mcd::Wire> && !std::is_copy_assignable_v<mcd::Job>);
    static_assert(std::is_nothrow_move_constructible_v<mcd::Problem> && std::is_nothrow_move_assignable_v<mcd::Result>);
    const std::int64_t before = mcd::live_handles();
    {
        mcd::Wire a = small(), b(std::move(a));
        throws<mcd::HandleError>([&] { a.points(); }, "a moved-from wire"); // NOLINT: what is tested
        a = small();
        same(mcd::live_handles() - before, 2, "handles of two wires");
        a = std::move(b);
        same(mcd::live_handles() - before, 1, "handles after an assignment");
        mcd_handle raw = a.release();
        same(mcd_free(raw), MCD_OK, "freeing a handle given away");
        mcd::Wire stale(raw);
        throws<mcd::HandleError>([&] { stale.points(); }, "a freed wire");
        stale.release();
    }
    same(mcd::live_handles(), before, "handles at the end");
}

void errors() {
    const std::vector<double> fields = sweep(0.1, 4);
    try {
        mcd::Wire wire(0, 5, fields, 1.2);
        that(false, "a wire without sites");
    } catch (const mcd::Error &error) {
        same(error.status(), MCD_ERR_ARGUMENT, "status");
        contains(error.what(), "length");
        contains(error.what(), "0");
    }
    mcd::Wire wire(5, 4, fields, 1.2);
    contains(throws<mcd::ArgumentError>([&] { wire.set_hopping(-2); }, "a negative hopping"), "-2");
    throws<mcd::ArgumentError>([&] { wire.set_backend("abacus"); }, "an unknown backend");
    std::vector<double> onsite = wire.clean();
    onsite[7] = std::nan("");
    contains(throws<mcd::ArgumentError>([&] { wire.conductance(onsite); }, "NaN"), "onsite");
    throws<mcd::FileError>([] { mcd::Problem::load("/nowhere/at/all.mcd"); }, "a missing file");
    const std::vector<std::uint8_t> bytes(64, 7);
    throws<mcd::FileError>([&] { mcd::Result::decode(bytes); }, "damaged bytes");
    throws<mcd::MemoryLimitError>([&] {
        mcd::Wire large(30, 30, fields, 1.2);
        large.conductance(large.set_memory_limit(1000).clean());
    }, "a memory limit");
    mcd::Problem problem(wire, std::vector<double>(4, 1.0));
    throws<mcd::ArgumentError>([&] { problem.set_gaussians(onsite, fields, fields, fields, MCD_FREE_X); }, "unequal arrays");
    mcd::Job job = mcd::Job::design(problem);
    throws<mcd::StateError>([&] { job.result(); }, "the result of a job that has not started");
    throws<mcd::ArgumentError>([&] { job.set_method("guess"); }, "an unknown method");
}

void settings() {
    mcd::Wire wire = small();
    wire.set_hopping(1.5).set_lead_onsite(6).set_threads(1).set_memory_limit(1 << 30).set_backend("cpu");
    same(wire.hopping(), 1.5, "hopping");
    same(wire.lead_onsite(), 6.0, "lead_onsite");
    same(wire.threads(), 1, "threads");
    same(wire.memory_limit(), 1 << 30, "memory limit");
    contains(wire.backend(), "cpu");
    const std::vector<mcd::Device> all = mcd::devices();
    that(std::any_of(all.begin(), all.end(), [](const mcd::Device &d) { return d.name == "cpu" && d.available; }), "a cpu");
    same(mcd::version(), std::string(MCD_VERSION), "version");

    mcd::Problem problem(wire, std::vector<double>(16, 2.0));
    const std::vector<double> two = {1, 2}, lower = {-1, -1, 0.5, 0.5}, upper = {9, 9, 3, 3};
    problem.set_gaussians(two, two, two, two, MCD_FREE_Y | MCD_FREE_RADIUS).set_bounds(lower, upper);
    problem.set_frozen(std::vector<std::uint8_t>{1, 0, 0, 0}).set_ties(std::vector<std::int64_t>{-1, -1, 4, 4});
    problem.set_loss("huber", 0.5).set_regularizer("smoothness", 0.01).set_weights(std::vector<double>(16, 0.5));
    same(problem.parametrization(), "gaussians", "parametrization");
    same(problem.entries(), 4U, "entries");
    same(problem.parameters(), 2U, "parameters");
    contains(problem.label(0) + problem.label(1), "y[1]");
    contains(problem.label(0) + problem.label(1), "radius");
    that(problem.bounds().upper == upper, "bounds");
    same(int{problem.frozen()[0]}, 1, "frozen");
    same(problem.ties()[3], 4, "ties");
    same(problem.loss().name, "huber", "loss");
    same(problem.loss().scale, 0.5, "scale");
    same(problem.regularizer("smoothness"), 0.01, "regularizer");
    same(problem.weights()[15], 0.5, "weights");
    problem.set_sites(wire.clean()).set_mirror("y").set_filter(1.5);
    same(problem.mirror(), "y", "mirror");
    same(problem.filter(), 1.5, "filter");

    mcd::Job job = mcd::Job::design(problem);
    job.set_method("adam").set_learning_rate(0.02).set_seed(5).set_starts(3, 0.1).set_distinct(0.01).set_stall(7, 0.1);
    job.set_schedule(std::vector<std::int64_t>{10, 20}, std::vector<double>{0.5, 0.1}).set_max_evaluations(9);
    job.set_max_iterations(8).set_time_limit(2500ms).set_stop_objective(-3).set_step_tolerance(1e-3);
    job.set_gradient_tolerance(1e-4).set_checkpoint(scratch + "/c.mcd", 250ms);
    same(job.method(), "adam", "method");
    same(job.learning_rate(), 0.02, "learning rate");
    same(job.seed(), 5U, "seed");
    same(job.starts().count, 3, "starts");
    same(job.starts().spread, 0.1, "spread");
    same(job.distinct(), 0.01, "distinct");
    same(job.stall().iterations, 7, "stall");
    same(job.schedule().steps.at(1), 20, "schedule");
    same(job.max_evaluations(), 9, "evaluations");
    same(job.max_iterations(), 8, "iterations");
    that(job.time_limit() == 2500ms, "time limit");
    same(job.stop_objective(), -3.0, "stop objective");
    same(job.step_tolerance(), 1e-3, "step tolerance");
    same(job.gradient_tolerance(), 1e-4, "gradient tolerance");
    same(job.checkpoint().path, scratch + "/c.mcd", "checkpoint");
    that(job.checkpoint().interval == 250ms, "interval");
}

void objective() {
    const mcd::Wire wire = small();
    mcd::Problem problem(wire, wire.conductance(with_defect(wire, 4, 3, 2, 1.5)));
    const std::vector<double> x = {4}, y = {4.5}, amplitude = {1}, radius = {1.2};
    problem.set_gaussians(x, y, amplitude, radius, MCD_FREE_Y | MCD_FREE_AMPLITUDE | MCD_FREE_RADIUS);
    std::vector<double> p = problem.start();
    const mcd::Objective l = problem.objective(p);
    same(problem.objective(p, {}), l.value, "L without its gradient");
    const double step = 1e-5;
    for (std::size_t i = 0; i < p.size(); ++i) {
        const double kept = p[i];
        p[i] = kept + step;
        const double up = problem.objective(p, {});
        p[i] = kept - step;
        const double down = problem.objective(p, {});
        p[i] = kept;
        close(l.gradient[i], (up - down) / (2 * step), 1e-6, problem.label(i));
    }
    const std::vector<double> potential = problem.onsite(p), expected = with_defect(wire, 4, 4.5, 1, 1.2);
    for (std::size_t i = 0; i < expected.size(); ++i) close(potential[i], expected[i], 1e-14, "the potential");
}

// What a curve determines, the nearest curve that a wire can show, and the smoothest potential for it.
void smoothing() {
    const mcd::Wire wire = small();
    const std::vector<double> target = wire.conductance(with_defect(wire, 4, 3, 2, 1.5));
    const std::vector<double> nearest = wire.nearest_feasible(std::vector<double>(target.size(), 100.0));
    for (std::size_t k = 0; k < nearest.size(); ++k)
        same(nearest[k], static_cast<double>(wire.open_modes()[k]), "the ceiling");
    that(wire.nearest_feasible(target) == target, "what is feasible stays");

    std::vector<double> start = wire.clean();
    for (std::size_t i = 0; i < start.size(); ++i) start[i] += 0.3 * std::sin(1.7 * static_cast<double>(i * i));
    mcd::Problem problem(wire, target);
    problem.set_sites(start);
    const mcd::Result rough = mcd::Job::design(problem).set_stop_objective(-4).run();
    problem.set_sites(rough.onsite());
    bool seen = false;
    const mcd::Result smooth = mcd::Job::smooth(problem, -3).set_max_evaluations(60).run(
        [&](const mcd::Progress &p) { seen = seen || p.roughness > 0; });
    that(seen, "roughness on the way");
    that(smooth.objective() <= -3, "the level");
    const std::vector<double> way = smooth.history("roughness");
    that(way.size() == smooth.history("objective").size() && *std::min_element(way.begin(), way.end()) < 0.8 * way[0], "smoother");

    const mcd::Result steps = mcd::Job::quantize(problem, 0.1).set_max_evaluations(80).run();
    for (double h : steps.onsite()) close(h / 0.1, std::round(h / 0.1), 1e-9, "an allowed value");
    that(steps.objective() < 0, "the curve of allowed values");

    const std::vector<double> x = {4}, y = {3}, amplitude = {2}, radius = {1.5};
    problem.set_gaussians(x, y, amplitude, radius, MCD_FREE_Y | MCD_FREE_AMPLITUDE | MCD_FREE_RADIUS);
    const mcd::Identifiability known = problem.identify(problem.start(), 0.1);
    same(known.rank, 3, "rank");
    same(known.singular_values.size(), 3U, "singular values");
    that(known.errors[0] > 0 && known.errors[0] < 10, "an error bar");
    same(known.sensitivity.size(), start.size(), "sensitivity");
}

// A search long enough to be met while it runs.
mcd::Job endless(const mcd::Wire &wire) {
    const mcd::Shape shape = wire.shape();
    std::vector<double> start = wire.clean();
    for (std::size_t i = 0; i < start.size(); ++i) start[i] += 0.3 * std::sin(1.7 * static_cast<double>(i * i));
    std::vector<double> target(static_cast<std::size_t>(shape.points), 1.0);
    mcd::Problem problem(wire, target);
    problem.set_sites(start);
    mcd::Job job = mcd::Job::design(problem);
    job.set_method("adam").set_max_evaluations(0).set_time_limit(30s);
    return job;
}

void jobs() {
    const mcd::Wire wire = small();
    const std::vector<double> g = wire.conductance(with_defect(wire, 4, 2.5, 3, 1.5));
    int calls = 0;
    mcd::Job job = mcd::Job::find_defect(wire, g);
    const mcd::Result found = job.run([&](const mcd::Progress &p) {
        ++calls;
        that(p.struct_size == sizeof p && p.evaluations > 0, "progress");
    });
    that(calls > 0, "callbacks");
    const double y = found.quantity("y")[0];
    close(std::min(y, 7 - y), 2.5, 1e-6, "y of the defect");
    close(found.quantity("amplitude")[0], 3, 1e-5, "amplitude of the defect");
    same(found.errors().size(), found.entries().size(), "errors");
    that(found.evaluations() > 0 && found.time() > 0s && !found.message().empty() && !found.backend().empty(), "the report");
    that(found.objective() < -12, "objective");
    same(found.outcomes().at(0).objective(), found.objective(), "the first outcome");
    that(found.history("objective").size() == found.history("evaluations").size(), "history");
    const std::vector<double> again = wire.conductance(found.onsite()), kept = found.conductance();
    that(again == kept, "conductance of the result, bit for bit");
}

void waiting() {
    mcd::Job job = endless(small());
    that(!job.start().wait_for(20ms), "a time-out");
    same(job.progress().state, static_cast<std::int32_t>(MCD_JOB_RUNNING), "state");
    const std::thread::id here = std::this_thread::get_id();
    std::atomic<int> elsewhere{0};
    int seen = 0;
    job.wait([&](const mcd::Progress &) {
        elsewhere += std::this_thread::get_id() != here;
        return ++seen < 3;
    });
    same(elsewhere.load(), 0, "callbacks on other threads");
    same(seen, 3, "callbacks until one said stop");
    same(job.result().status(), "cancelled", "status");
    std::vector<double> best(job.result().problem().wire().shape().sites());
    job.best(best);
    that(best == job.result().onsite(), "best so far");
    that(!job.history("objective").empty(), "history");

    mcd::Job other = endless(small());
    other.start();
    struct Mine : std::runtime_error {
        using std::runtime_error::runtime_error;
    };
    same(throws<Mine>([&] { other.wait([](const mcd::Progress &) { throw Mine("mine"); }); }, "an exception of a callback"),
          "mine", "its text");
    other.wait();
    same(other.result().status(), "cancelled", "status after an exception");
    throws<mcd::StateError>([&] { other.set_seed(1); }, "a setting after the start");
    mcd::Job third = endless(small());
    that(!third.start().wait_for(-5s), "a deadline that has passed");
}

void cancelling() {
    const mcd::Wire wire(40, 40, sweep(0.01, 20), 1.2);
    const std::vector<double> onsite = wire.clean();
    wire.conductance(onsite);
    std::atomic<bool> computing{true};
    std::exception_ptr thrown;
    std::thread worker([&] {
        try {
            for (;;) wire.jacobian(onsite);
        } catch (...) {
            thrown = std::current_exception();
        }
        computing = false;
    });
    while (computing) {
        wire.cancel();
        std::this_thread::sleep_for(5ms);
    }
    worker.join();
    throws<mcd::CancelledError>([&] { std::rethrow_exception(thrown); }, "a call that was cancelled");
    same(wire.conductance(onsite).size(), 20U, "points of a call after it");
}

void files() {
    const mcd::Wire wire = small();
    mcd::Problem problem(wire, wire.conductance(with_defect(wire, 4, 3, 2, 1.5)));
    const std::vector<double> x = {4}, y = {5}, amplitude = {1}, radius = {1};
    problem.set_gaussians(x, y, amplitude, radius, MCD_FREE_Y | MCD_FREE_AMPLITUDE | MCD_FREE_RADIUS);
    const std::string path = scratch + "/unit.mcd";
    problem.save(path);
    that(mcd::Problem::load(path).encode() == problem.encode(), "a problem from a file");
    that(mcd::Problem::decode(problem.encode()).start() == problem.start(), "a problem from bytes");

    const mcd::Result whole = mcd::Job::design(problem).run();
    const mcd::Result part = mcd::Job::design(problem).set_max_iterations(2).run();
    part.save(path);
    const mcd::Result loaded = mcd::Result::load(path);
    same(loaded.objective(), part.objective(), "a result from a file");
    same(mcd::Result::decode(part.encode()).status(), part.status(), "a result from bytes");
    const mcd::Result resumed = mcd::Job::resume(path).set_max_iterations(0).run();
    that(resumed.onsite() == whole.onsite() && resumed.objective() == whole.objective(), "a resumed run, bit for bit");
}

// A chain of three orbitals between two leads of the same kind: it reflects nothing until one of them is lifted.
void systems() {
    const std::vector<std::int64_t> rows = {0, 1, 2, 0, 1, 1, 2}, cols = {0, 1, 2, 1, 0, 2, 1}, left = {0}, right = {2};
    const std::vector<std::complex<double>> values = {0, 0, 0, -1, -1, -1, -1}, cell = {0}, hopping = {-1};
    mcd::System chain(3, rows, cols, std::vector<double>{0.5});
    chain.set_values(values).add_lead(left, 1, cell, hopping).add_lead(right, 1, cell, hopping);
    same(chain.shape().leads, 2, "leads");
    same(chain.open_modes()[1], 1, "open modes");
    const std::vector<std::int64_t> pair = {1, 0};
    close(chain.transmission(pair)[0], 1, 1e-14, "a clean chain");
    close(chain.transmission_matrix()[1], 1, 1e-14, "a clean chain");
    // One orbital lifted by u: T = 1 / (1 + u^2 / v^2) with v = sqrt(4 - E^2).
    const double u = 0.7, v2 = 4 - 0.25;
    const std::vector<double> onsite = {0, u, 0};
    const mcd::Jacobian j = chain.jacobian(pair, onsite);
    close(j.conductance[0], 1 / (1 + u * u / v2), 1e-13, "a lifted orbital");
    close(j.jacobian[1], -2 * u / v2 / ((1 + u * u / v2) * (1 + u * u / v2)), 1e-13, "its derivative");
    close(chain.vjp(pair, onsite).gradient[1], j.jacobian[1], 1e-13, "its gradient");
    const std::vector<std::int64_t> both = {1, 0, 0, 0};
    const std::vector<double> weights = {2, -1};
    close(chain.combined_jacobian(both, weights, onsite).jacobian[1], 3 * j.jacobian[1], 1e-13, "2T - R by the lifted orbital");
    close(chain.noise(pair, onsite)[0], j.conductance[0] * (1 - j.conductance[0]), 1e-13, "shot noise");
    close(std::norm(chain.smatrix(0, onsite)[2]), j.conductance[0], 1e-13, "|t|^2");
    throws<mcd::ArgumentError>([&] { chain.transmission(std::vector<std::int64_t>{5, 0}); }, "a lead that is not there");

    // Which energy of the middle orbital halves T? And which hopping beside it shows T = 0.9?
    mcd::Problem lifted(chain, pair, std::vector<double>{0.5});
    lifted.set_gates(std::vector<double>{0, 1, 0}, std::vector<double>{1});
    const mcd::Result found = mcd::Job::design(lifted).run();
    close(found.onsite()[1], std::sqrt(v2), 1e-6, "the energy that halves T");
    that(lifted.curves() == pair, "the leads of the curve");
    const mcd::System device = lifted.system();
    same(device.shape().orbitals, 3, "the device of a problem");
    that(device.pattern()[0] == rows && device.pattern()[1] == cols && device.values() == values, "its Hamiltonian");
    that(device.energies() == std::vector<double>{0.5} && device.positions().empty(), "its energies and positions");
    that(device.interface_of(1) == right, "its leads");
    mcd::Problem loose(chain, pair, std::vector<double>{0.9});
    loose.set_directions(std::vector<std::int64_t>{0, 2}, std::vector<std::int64_t>{3, 4},
                         std::vector<std::complex<double>>{1, 1}, std::vector<double>{0.1}, "bond");
    same(loose.names(), std::string("bond"), "names");
    const mcd::Result bond = mcd::Job::design(loose).run();
    close(bond.conductance()[0], 0.9, 1e-6, "T of the hopping found");
    close(loose.hamiltonian(bond.parameters())[3].real(), -1 + bond.parameters()[0], 1e-15, "the hopping found");
    mcd::System changed = chain.copy();
    changed.set_values(loose.hamiltonian(bond.parameters()));
    close(changed.transmission(pair)[0], 0.9, 1e-6, "a device with this hopping");
    throws<mcd::ArgumentError>([&] { mcd::Job::locate(lifted).run(); }, "a device without positions");
}

// What mcd.hpp adds to a call, against mcd.h.
void overhead() {
    const mcd::Wire wire(30, 30, sweep(0.12, 101), 1.2);
    const std::vector<double> onsite = with_defect(wire, 15, 10, 10, 2);
    const auto best = [](int repeats, const std::function<void()> &call) {
        double least = 1e9;
        for (int i = 0; i < repeats; ++i) {
            const auto begin = std::chrono::steady_clock::now();
            call();
            least = std::min(least, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
        }
        return least;
    };
    std::vector<double> g(101), j(101 * 900);
    wire.jacobian(onsite, g, j);
    const double trivial = best(20, [&] { for (int i = 0; i < 1000; ++i) wire.hopping(); }) / 1000;
    const double value = best(5, [&] { wire.conductance(onsite, g); });
    const double jacobian = best(5, [&] { wire.jacobian(onsite, g, j); });
    const double raw = best(20, [&] { for (int i = 0; i < 1000; ++i) { double t; mcd_wire_get_hopping(wire.get(), &t); } }) / 1000;
    std::printf("unit: a trivial call takes %.0f ns (in C %.0f ns), a value of 30 x 30 x 101 %.2f ms, a Jacobian %.2f ms\n",
                trivial * 1e9, raw * 1e9, value * 1e3, jacobian * 1e3);
    that(trivial < 0.01 * value, "a call costs less than 1 % of a value");
}

} // namespace

int main(int argc, char **argv) {
    const std::string folder = argc > 1 ? argv[1] : "tests/consumers/reference";
    scratch = argc > 2 ? argv[2] : ".";
    check::test("reference odd", [&] { reference(folder + "/odd.txt"); });
    check::test("reference units", [&] { reference(folder + "/units.txt"); });
    check::test("observables", observables);
    check::test("spans", spans);
    check::test("ownership", ownership);
    check::test("errors", errors);
    check::test("settings", settings);
    check::test("objective", objective);
    check::test("jobs", jobs);
    check::test("smoothing", smoothing);
    check::test("waiting", waiting);
    check::test("cancelling", cancelling);
    check::test("files", files);
    check::test("systems", systems);
    check::test("overhead", overhead);
    check::test("nothing leaked", [] { same(mcd::live_handles(), 0, "live handles"); });
    return check::summary("unit");
}
