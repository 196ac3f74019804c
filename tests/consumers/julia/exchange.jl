# Problems and results from hand to hand: exchange.jl write PROBLEM RESULT | exchange.jl read FILE...
using MCD, Printf

const FIELDS, TARGET = [0, 0.02, 0.05, 0.07], [1, 1.5, 2, 2.5]

function write_files(problem_path, result_path)
    wire = Wire(6, 4, FIELDS)
    basis = zeros(2, 6, 4)
    basis[1, 2, :] .= 1 # the first gate crosses the wire at x = 1
    basis[2, 5, 3] = 1  # the second is over site (4, 2)
    gates = Gates(basis, [0.25, -0.5]; lower=[-1, -1], upper=[1, 2])
    MCD.save(problem_path, Problem(wire, TARGET, gates; weights=[1, 2, 0.5, 1], loss="huber", loss_scale=0.5))
    start = clean(wire)
    start[5, 3] = 4.75
    MCD.save(result_path, design(Problem(wire, TARGET, Sites(start); regularizers=Smoothness(0.01)); max_evaluations=3))
end

# What every language says of a file: the objective at the start, the potential of two sites, and L of a result.
function read_file(path)
    found = MCD.load(path)
    problem = found isa MCD.Result ? found.problem : found
    potential = onsite(problem)
    @printf("%s %.15g %.15g %.15g", basename(path), objective!(nothing, problem, problem.start), potential[2, 4], potential[5, 3])
    found isa MCD.Result && @printf(" %.15g", found.objective)
    println()
end

ARGS[1] == "write" ? write_files(ARGS[2], ARGS[3]) : foreach(read_file, ARGS[2:end])
for _ in 1:3
    GC.gc()
end
exit(MCD.live_handles() == 0 ? 0 : 1)
