# Problems and results from hand to hand: exchange.jl write FILE | exchange.jl read FILE...
using MCD, Test

const FIELDS, TARGET = [0, 0.02, 0.05, 0.07], [1, 1.5, 2, 2.5]

if ARGS[1] == "write"
    wire = Wire(6, 4, FIELDS)
    start = clean(wire)
    start[5, 3] = 4.75 # site (4, 2)
    MCD.save(ARGS[2], design(Problem(wire, TARGET, Sites(start); regularizers=Smoothness(0.01)); max_evaluations=3))
else
    passed = 0
    for path in ARGS[2:end]
        result = MCD.load(path)
        @test result.problem.wire.fields == FIELDS && result.problem.target == TARGET
        @test onsite(result.problem)[5, 3] == 4.75 && count(!=(4), onsite(result.problem)) == 1
        @test conductance(result.problem.wire, result.onsite) == result.conductance
        global passed += 1
    end
    println("exchange with Julia: $passed passed, 0 failed")
end
