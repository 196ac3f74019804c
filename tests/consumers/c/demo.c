/* The whole use of mcd from C99, by setters and getters alone: a hidden defect makes a curve; the defect is found from the
 * curve; a potential by sites is designed for it in the background while this thread looks on, saved, and gone on with; gates
 * are optimised by a loop of this program's own. Prints what it finds; exits with 0 if everything is as it should be and
 * nothing is left behind. */
#include <mcd.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef SMALL /* for tools that slow programs down a hundred times */
enum { LENGTH = 10, WIDTH = 8, SITES = LENGTH * WIDTH, POINTS = 16 };
#else
enum { LENGTH = 20, WIDTH = 12, SITES = LENGTH * WIDTH, POINTS = 41 };
#endif

static int failures;

static void check(mcd_status status, const char *what) {
    if (status < 0) {
        fprintf(stderr, "%s: %s: %s\n", what, mcd_status_name(status), mcd_last_error());
        exit(1);
    }
}
#define CHECK(call) check(call, #call)

static void expect(int condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "not as expected: %s\n", what);
        failures++;
    }
}
#define EXPECT(condition) expect(condition, #condition)

static double fields[POINTS], hidden[SITES], target[POINTS];

static double distance(const double *a, const double *b, size_t n) {
    double largest = 0;
    size_t i;
    for (i = 0; i < n; i++)
        if (fabs(a[i] - b[i]) > largest) largest = fabs(a[i] - b[i]);
    return largest;
}

/* The curve of the hidden defect, its gradient checked against a difference, and the S-matrix against the curve. */
static mcd_wire measure(void) {
    static double jacobian[POINTS * SITES], gradient[SITES], g[POINTS], moved[SITES], above[POINTS], below[POINTS];
    double energy = 1.2, *s, t = 0, eigenvalues[WIDTH], sum = 0;
    int64_t modes[POINTS], n;
    size_t needed, i, j;
    const size_t site = 7 * WIDTH + 5;
    mcd_wire wire;
    for (i = 0; i < POINTS; i++) fields[i] = 0.1 * (double)i / (POINTS - 1);
    for (i = 0; i < LENGTH; i++)
        for (j = 0; j < WIDTH; j++)
            hidden[i * WIDTH + j] = 4 + 6 * exp(-(pow((double)i - LENGTH / 2, 2) + pow((double)j - 4, 2)) / 4);
    CHECK(mcd_wire_create(LENGTH, WIDTH, fields, POINTS, &energy, 1, &wire));
    CHECK(mcd_wire_conductance(wire, hidden, SITES, target, POINTS));
    CHECK(mcd_wire_open_modes(wire, modes, POINTS));
    for (i = 0; i < POINTS; i++) EXPECT(target[i] >= 0 && target[i] <= (double)modes[i] + 1e-12);

    CHECK(mcd_wire_jacobian(wire, hidden, SITES, g, POINTS, jacobian, POINTS * SITES));
    EXPECT(distance(g, target, POINTS) < 1e-11);
    CHECK(mcd_wire_vjp(wire, hidden, SITES, NULL, 0, g, POINTS, gradient, SITES));
    for (i = 0; i < POINTS; i++) sum += jacobian[i * SITES + site];
    EXPECT(fabs(sum - gradient[site]) < 1e-10);
    memcpy(moved, hidden, sizeof moved);
    moved[site] += 1e-5;
    CHECK(mcd_wire_conductance(wire, moved, SITES, above, POINTS));
    moved[site] -= 2e-5;
    CHECK(mcd_wire_conductance(wire, moved, SITES, below, POINTS));
    for (i = 0; i < POINTS; i++) EXPECT(fabs((above[i] - below[i]) / 2e-5 - jacobian[i * SITES + site]) < 1e-6);

    CHECK(mcd_wire_smatrix(wire, hidden, SITES, fields[3], energy, &n, NULL, 0, &needed));
    EXPECT(n == modes[3] && needed == 8 * (size_t)(n * n));
    s = malloc(needed * sizeof *s);
    if (s == NULL) exit(1);
    CHECK(mcd_wire_smatrix(wire, hidden, SITES, fields[3], energy, &n, s, needed, &needed));
    for (i = (size_t)n; i < 2 * (size_t)n; i++) /* t: from the left lead's modes to the right lead's */
        for (j = 0; j < 2 * (size_t)n; j++) t += pow(s[i * 4 * (size_t)n + j], 2);
    EXPECT(fabs(t - target[3]) < 1e-11);
    CHECK(mcd_wire_transmission_eigenvalues(wire, hidden, SITES, fields[3], energy, eigenvalues, WIDTH, &needed));
    for (i = 0, t = 0; i < needed; i++) t += eigenvalues[i];
    EXPECT(fabs(t - target[3]) < 1e-11);
    free(s);
    return wire;
}

static int progress(const mcd_progress *p, void *user) {
    *(double *)user = p->best_objective;
    return 0;
}

static void find(mcd_wire wire) {
    mcd_job job;
    mcd_result result;
    double y, amplitude, radius, best = 0, g[POINTS];
    size_t needed;
    char message[256];
    mcd_status status;
    CHECK(mcd_job_create_defect(wire, target, POINTS, 1, 0, &job));
    CHECK(mcd_job_start(job));
    while ((status = mcd_job_wait(job, 0.05, progress, &best)) == MCD_TIMEOUT) {
    }
    check(status, "mcd_job_wait");
    CHECK(mcd_job_result(job, &result));
    CHECK(mcd_result_quantity(result, "y", &y, 1, &needed));
    CHECK(mcd_result_quantity(result, "amplitude", &amplitude, 1, &needed));
    CHECK(mcd_result_quantity(result, "radius", &radius, 1, &needed));
    CHECK(mcd_result_message(result, message, sizeof message, &needed));
    printf("defect: true y = 4, amplitude = 6, radius = 2; found y = %.9g, amplitude = %.9g, radius = %.9g (%s)\n", y, amplitude,
           radius, message);
    EXPECT(fabs(y - 4) < 1e-6 || fabs(y - (WIDTH - 1 - 4)) < 1e-6);
    EXPECT(fabs(amplitude - 6) < 1e-6 && fabs(radius - 2) < 1e-6);
    CHECK(mcd_result_conductance(result, g, POINTS));
    EXPECT(distance(g, target, POINTS) < 1e-6);
    CHECK(mcd_free(job));
    CHECK(mcd_free(result));
}

/* A design by sites, stopped by its limit, saved, and gone on with from the file. */
static void design(mcd_wire wire, const char *path) {
    static double start[SITES], onsite[SITES];
    mcd_problem problem;
    mcd_job job;
    mcd_result result;
    mcd_progress now;
    double first, second, best = 0;
    int64_t evaluations;
    size_t i, needed;
    char status[32];
    for (i = 0; i < SITES; i++) start[i] = 4 + 0.3 * sin(12.9898 * (double)i + 78.233 * sin((double)i));
    CHECK(mcd_problem_create(wire, target, POINTS, &problem));
    CHECK(mcd_problem_set_sites(problem, start, SITES));
    CHECK(mcd_job_create_design(problem, &job));
    CHECK(mcd_free(problem));
    CHECK(mcd_job_set_max_evaluations(job, 12));
    CHECK(mcd_job_set_checkpoint(job, path, 0));
    CHECK(mcd_job_start(job));
    CHECK(mcd_job_wait(job, -1, progress, &best));
    memset(&now, 0, sizeof now);
    now.struct_size = sizeof now;
    CHECK(mcd_job_progress(job, &now));
    EXPECT(now.state == MCD_JOB_DONE && now.evaluations == 12 && now.best_objective == best);
    CHECK(mcd_job_result(job, &result));
    CHECK(mcd_result_objective(result, &first));
    CHECK(mcd_result_status(result, status, sizeof status, &needed));
    EXPECT(strcmp(status, "evaluations") == 0);
    CHECK(mcd_free(result));
    CHECK(mcd_free(job));

    CHECK(mcd_job_create_resume(path, &job));
    CHECK(mcd_job_set_max_evaluations(job, 200));
    CHECK(mcd_job_set_stop_objective(job, -8));
    CHECK(mcd_job_start(job));
    CHECK(mcd_job_wait(job, -1, NULL, NULL));
    CHECK(mcd_job_result(job, &result));
    CHECK(mcd_result_objective(result, &second));
    CHECK(mcd_result_evaluations(result, &evaluations));
    CHECK(mcd_result_onsite(result, onsite, SITES));
    printf("design: L = %.3f after 12 evaluations, %.3f after %d\n", first, second, (int)evaluations);
    EXPECT(second < -8 && second < first && evaluations > 12);
    CHECK(mcd_free(result));
    CHECK(mcd_free(job));
}

/* Steepest descent on gate voltages by this program, which asks for objective and gradient only. */
static void gates(mcd_wire wire) {
    static double basis[3 * SITES];
    double volts[3] = {0.05, 0, -0.05}, lower[3] = {-1, -1, -1}, upper[3] = {1, 1, 1}, gradient[3], trial[3], l, l0, step = 0.01;
    size_t g, x, y, entries, parameters, i;
    int n;
    mcd_problem problem, copy;
    uint8_t *bytes;
    size_t needed;
    for (g = 0; g < 3; g++)
        for (x = 0; x < LENGTH; x++)
            for (y = 0; y < WIDTH; y++)
                basis[(g * LENGTH + x) * WIDTH + y] = exp(-pow((double)x - 5.0 * (double)(g + 1), 2) / 8);
    CHECK(mcd_problem_create(wire, target, POINTS, &problem));
    CHECK(mcd_problem_set_gates(problem, basis, 3 * SITES, volts, 3));
    CHECK(mcd_problem_set_bounds(problem, lower, 3, upper, 3));
    CHECK(mcd_problem_counts(problem, &entries, &parameters));
    EXPECT(entries == 3 && parameters == 3);
    CHECK(mcd_problem_encode(problem, NULL, 0, &needed));
    bytes = malloc(needed);
    if (bytes == NULL) exit(1);
    CHECK(mcd_problem_encode(problem, bytes, needed, &needed));
    CHECK(mcd_problem_decode(bytes, needed, &copy));
    CHECK(mcd_free(problem));
    CHECK(mcd_problem_objective(copy, volts, 3, &l0, gradient, 3));
    for (n = 0, l = l0; n < 20; n++) {
        double next;
        for (i = 0; i < 3; i++) trial[i] = volts[i] - step * gradient[i];
        CHECK(mcd_problem_objective(copy, trial, 3, &next, NULL, 0));
        if (next < l) {
            memcpy(volts, trial, sizeof volts);
            CHECK(mcd_problem_objective(copy, volts, 3, &l, gradient, 3));
            step *= 1.5;
        } else {
            step /= 2;
        }
    }
    printf("gates: L = %.3f at the start, %.3f after 20 steps\n", l0, l);
    EXPECT(l < l0);
    EXPECT(mcd_problem_decode(bytes, needed - 20, &problem) == MCD_ERR_FILE);
    free(bytes);
    CHECK(mcd_free(copy));
}

int main(int argc, char **argv) {
    mcd_wire wire;
    int64_t handles;
    if (argc != 2) {
        fprintf(stderr, "usage: %s FILE.mcd\n", argv[0]);
        return 2;
    }
    printf("mcd %s, header %s\n", mcd_version(), MCD_VERSION);
    wire = measure();
    find(wire);
    design(wire, argv[1]);
    gates(wire);
    CHECK(mcd_free(wire));
    EXPECT(mcd_free(wire) == MCD_ERR_HANDLE);
    CHECK(mcd_live_handles(&handles));
    EXPECT(handles == 0);
    return failures ? 1 : 0;
}
