# The calls of engine/main.go from Julia.
using MCD, Printf

function least(call, calls)
    call()
    @printf("%.0f ", minimum(1:20) do _
        begun = time_ns()
        for _ in 1:calls
            call()
        end
        (time_ns() - begun) / calls
    end)
end

function measure(size, points, calls)
    wire = Wire(size, size, 0.12 * (0:points-1) / 100; energy=2.5)
    onsite = onsite_array(wire)
    parent(onsite)[:] = [4 + 0.1 * (i % 7) for i in 0:size^2-1]
    G, J = jacobian(wire, onsite)
    size == 1 && least(() -> wire.hopping, calls)
    least(() -> conductance!(G, wire, onsite), calls)
    least(() -> jacobian!(G, J, wire, onsite), calls)
end

MCD.set_threads(1)
measure(1, 1, 2000)
measure(30, 101, 1)
println()
