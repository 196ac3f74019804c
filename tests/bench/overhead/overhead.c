/* The calls of engine/main.go from C. */
#define _POSIX_C_SOURCE 199309L
#include <mcd.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static mcd_wire wire;
static double onsite[900], g[101], jacobian[101 * 900];
static size_t sites, points;

static void value(void) { if (mcd_wire_conductance(wire, onsite, sites, g, points)) exit(1); }
static void derivative(void) { if (mcd_wire_jacobian(wire, onsite, sites, g, points, jacobian, points * sites)) exit(1); }
static void getter(void) { double t; if (mcd_wire_get_hopping(wire, &t)) exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static void least(int calls, void (*call)(void)) {
    double best = 1e18, begin;
    int i, round;
    for (round = 0; round < 20; round++) {
        begin = now();
        for (i = 0; i < calls; i++) call();
        if ((now() - begin) / calls < best) best = (now() - begin) / calls;
    }
    printf("%.0f ", best);
}

static void create(int64_t size, size_t n) {
    double fields[101], energy = 2.5;
    size_t i;
    points = n;
    sites = (size_t)(size * size);
    for (i = 0; i < n; i++) fields[i] = 0.12 * (double)i / 100;
    for (i = 0; i < sites; i++) onsite[i] = 4 + 0.1 * (double)(i % 7);
    if (mcd_set_threads(1) || mcd_wire_create(size, size, fields, n, &energy, 1, &wire)) exit(1);
}

int main(void) {
    create(1, 1);
    least(2000, getter);
    least(2000, value);
    least(2000, derivative);
    create(30, 101);
    least(1, value);
    least(1, derivative);
    printf("\n");
    return 0;
}
