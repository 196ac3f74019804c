# The package as its users meet it. Values are compared with the reference strips where these are at hand.
using MCD, Test
using LinearAlgebra: I, dot, norm

const PROJECT = normpath(joinpath(@__DIR__, ".."))
const SMALL = (length=9, width=8, fields=range(0, 0.2, length=16), energy=1.2)
const FOLDER = normpath(joinpath(@__DIR__, "..", "..", "..", "tests", "consumers", "reference"))

"A Gaussian defect in an otherwise clean wire; positions are coordinates, 0 at the first site."
gaussian(wire, x, y, amplitude, radius) =
    [wire.lead_onsite + amplitude * exp(-((i - 1 - x)^2 + (j - 1 - y)^2) / radius^2) for i in 1:size(wire)[1], j in 1:size(wire)[2]]

"Arrays over sites come from the file in the library's order: y is contiguous."
function reference(name)
    z = Dict{String,Vector{Float64}}()
    for line in eachline(joinpath(FOLDER, name))
        words = split(line)
        z[words[1]] = parse.(Float64, words[3:end])
    end
    shape = (Int(z["length"][1]), Int(z["width"][1]))
    onsite = [z["onsite"][(x-1)*shape[2]+y] for x in 1:shape[1], y in 1:shape[2]]
    grad = [z["grad"][((k-1)*shape[1]+x-1)*shape[2]+y] for k in eachindex(z["fields_grad"]), x in 1:shape[1], y in 1:shape[2]]
    wire(fields) = Wire(shape..., z[fields]; energy=z["energy"][1], hopping=z["hopping"][1], lead_onsite=z["lead_onsite"][1])
    (z=z, onsite=onsite, grad=grad, wire=wire)
end

message(f) = try f(); "" catch e; e.message end

@testset "MCD" begin
    @testset "devices" begin
        n, energies = 6, [0.4, 1.1, 2.5] # a chain of which the last energy is outside the band
        chain = [abs(i - j) == 1 ? -1.0 : 0.0 for i in 1:n, j in 1:n]
        ends = [Lead(zeros(1, 1), fill(-1.0, 1, 1), [1]), Lead([zeros(1, 1)], [fill(-1.0, 1, 1)], [n])]
        d = Device(chain, ends, energies; positions=permutedims(collect(1.0:n)))
        @test length(d) == 3 && open_modes(d) == [1 1; 1 1; 0 0]
        @test transmission(d, 2, 1) ≈ [1, 1, 0]
        onsite = [0.0, 0.3, -0.5, 0.0, 0.8, 0.1]
        T, J = jacobian(d, 2, 1, onsite)
        t(h) = transmission(d, 2, 1, onsite + h)
        for i in 1:n
            step = [k == i ? 1e-5 : 0.0 for k in 1:n]
            @test J[:, i] ≈ (t(step) - t(-step)) / 2e-5 atol = 1e-8
        end
        @test vjp(d, 2, 1, [1.0, 2.0, 3.0], onsite)[2] ≈ J' * [1, 2, 3]
        matrix = transmission_matrix(d, onsite)
        @test matrix[:, 2, 1] ≈ T && matrix[:, 1, 1] + matrix[:, 2, 1] ≈ [1, 1, 0]
        s = smatrix(d, 2, onsite)
        @test s' * s ≈ I && abs2(s[2, 1]) ≈ T[2]
        @test ldos(Device(chain, ends, 0.0), 1) ≈ fill(1 / 2π, n)
        weights = reshape(collect(1.0:12) .^ 2, 3, 2, 2)
        single = [jacobian(d, to, from, onsite)[2] for to in 1:2, from in 1:2]
        @test combined_jacobian(d, weights, onsite) ≈ sum(weights[:, i, j] .* single[i, j] for i in 1:2, j in 1:2)
        @test noise(d, 2, 1, onsite)[2] ≈ T .* (1 .- T) atol = 1e-12
        @test resistance(d, 1, 2, 1, 2, onsite)[1:2] ≈ 1 ./ T[1:2] && isnan(resistance(d, 1, 2, 1, 2, onsite)[3])
        @test sum(conductance_matrix(d, onsite); dims=3)[1:2] ≈ [0, 0] atol = 1e-12
        rows, cols = pattern(d)
        hopping = hopping_jacobian(d, 2, 1, [(2, 3), (4, 5)], onsite)[2]
        D = hamiltonian_vjp(d, 2, 1, nothing, onsite)[2]
        stretch = Float64.([extrema(p) == (2, 3) for p in zip(rows, cols)])
        slope = derivative(d, 2, 1, onsite; hamiltonian=repeat(stretch', 3))[2]
        @test slope ≈ real(hopping[:, 1]) && slope ≈ real(D * stretch)
        warmer = Device(chain, ends, energies .+ 1e-5)
        colder = Device(chain, ends, energies .- 1e-5)
        @test derivative(d, 2, 1, onsite; energy=1)[2] ≈
              (transmission(warmer, 2, 1, onsite) - transmission(colder, 2, 1, onsite)) / 2e-5 atol = 1e-8
        shifted = derivative(d, 2, 1, onsite; leads=[(ones(1, 1), zeros(1, 1)), (ones(1, 1), zeros(1, 1))])[2]
        moved(x) = transmission(Device(chain, [Lead(fill(x, 1, 1), fill(-1.0, 1, 1), [k]) for k in (1, n)], energies), 2, 1, onsite)
        @test shifted ≈ (moved(1e-5) - moved(-1e-5)) / 2e-5 atol = 1e-8
        psi, flow = wave_function(d, 1, 2, onsite), currents(d, 1, 2, onsite)
        @test size(psi) == (1, n) && greens_function(d, 2, 1, 2, onsite)[1] ≈ greens_function(d, 1, 2, 2, onsite)[1]
        @test flow[findfirst(==((4, 3)), collect(zip(rows, cols)))] ≈ T[2]
        hermitian = message(() -> Device([0 1; 2 0], ends[1:1], 0.4))
        @test occursin("Hermitian", hermitian)
        @test occursin("leads[1]: interface orbital 6", message(() -> Device(zeros(2, 2), ends[2:2], 0.4)))
        problem = Problem(d, T, Gates([0.0 0 0 0 1 0], [0.5]); weights=[1, 1, 0]) # one energy is unknown
        found = design(problem; progress=false)
        @test size(found.conductance) == (3, 1) && length(found.onsite) == n
        lifted = Problem(d, transmission(d, 2, 1, [0, 0, 0, 0, 0.8, 0]), Gates([0.0 0 0 0 1 0], [0.5]))
        @test design(lifted; progress=false).parameters["volts"] ≈ [0.8] atol = 1e-6
        weak = [i + j == 7 ? 1.3chain[i, j] : chain[i, j] for i in 1:n, j in 1:n] # between 3 and 4
        loose = Problem(d, transmission(Device(weak, ends, energies), 2, 1), Hoppings([(3, 4)], 0.1))
        bond = design(loose; progress=false)
        @test bond.parameters["hopping[3,4]"] ≈ 0.3 atol = 1e-6
        @test bond.problem.wire.interfaces == [[1], [n]] && labels(loose) == ["hopping[3,4]"]
        @test occursin("no entry", message(() -> Problem(d, T, Hoppings([(1, 6)]))))
        @test bond.hamiltonian[1, findfirst(==((3, 4)), collect(zip(rows, cols)))] ≈ -1.3 atol = 1e-6
        @test_throws MCD.ArgumentError bond.onsite
        swap = [i + j == 7 && abs(i - j) == 1 ? 1.0 : 0.0 for i in 1:n, j in 1:n]
        for parametrization in (Hoppings([(3, 4)], -0.1; kind="real"), Directions([swap], -0.1), Directions([stretch], -0.1; names=["s"]))
            other = design(Problem(d, loose.target, parametrization); progress=false)
            @test other.vector ≈ [-0.3] atol = 1e-6
        end
        turned = Problem(d, T, Hoppings([(3, 4)], [0.1, 0.2]; kind="complex"))
        @test labels(turned) == ["hopping[3,4].real", "hopping[3,4].imag"]
        @test hamiltonian(turned)[2, findfirst(==((4, 3)), collect(zip(rows, cols)))] ≈ -0.9 - 0.2im
        # What every lead and point is called in errors.
        for (words, wrong) in (("to: 3", () -> transmission(d, 3, 1)), ("from: 0", () -> jacobian(d, 1, 0)), ("point: 4", () -> smatrix(d, 4)),
                               ("point: 0", () -> ldos(d, 0)), ("plus: 5", () -> resistance(d, 1, 2, 5, 1)), ("drain: 7", () -> resistance(d, 1, 7, 2, 1)),
                               ("hoppings: 9", () -> hopping_jacobian(d, 2, 1, [(1, 9)])), ("curves: 3", () -> Problem(d, T; curves=[(3, 1)])),
                               ("NaN at [2]", () -> transmission(d, 2, 1, [0, NaN, 0, 0, 0, 0])))
            @test occursin(words, message(wrong))
        end
        @test_logs (:warn, r"lead 1 to lead 2 .* 2 points, most at point 2, by 4") Problem(d, [0.5, 5, 3])
        @test d.positions == permutedims(1:n) && Device(chain, ends, 0.4).positions === nothing && !isempty(d.backend)
        @test size(ldos(d)) == (3, n) && ldos(d, onsite)[2, :] ≈ ldos(d, 2, onsite)
        @test transmission_eigenvalues(d, 2, 1, 2, onsite) ≈ T[2:2] && isempty(transmission_eigenvalues(d, 2, 1, 3))
        @test fano(d, 2, 1, onsite)[1:2] ≈ 1 .- T[1:2] && isnan(fano(d, 2, 1, onsite)[3])
        @test jvp(d, 2, 1, 1:n, onsite)[2] ≈ J * (1:n)
        # A chain by its self-energy e^{ik}·t is the chain by its cell.
        sigma(e) = fill(-exp(im * acos(-complex(e) / 2)), 1, 1)
        by_numbers = Device(chain, [SelfEnergy(sigma.(energies[1:2]), [1]), ends[2]], energies[1:2])
        @test open_modes(by_numbers) == [1 1; 1 1] && transmission(by_numbers, 2, 1, onsite) ≈ T[1:2]
        @test occursin("retarded", message(() -> Device(chain, [SelfEnergy(fill(0.5im, 1, 1), [1])], 0.4)))
        close(by_numbers)
        @test_throws MCD.HandleError transmission(by_numbers, 2, 1)
    end

    @testset "circuits" begin # a cross of four chains that meet in orbital 1
        n, energies = 5, [0.4, 1.1]
        cross = [i != j && (i == 1 || j == 1) ? -1.0 : 0.0 for i in 1:n, j in 1:n]
        d = Device(cross, [Lead(zeros(1, 1), fill(-1.0, 1, 1), [k]) for k in 2:n], energies)
        onsite = [0.3, -0.2, 0.5, 0.1, -0.7]
        volts, flows = circuit(d, Dict(2 => 0.0), Dict(1 => 1.0), onsite)
        @test volts[:, 2] == [0, 0] && flows ≈ [1 -1 0 0; 1 -1 0 0]
        R, J = resistance_jacobian(d, 1, 2, 3, 4, onsite)
        @test R == resistance(d, 1, 2, 3, 4, onsite) && R ≈ volts[:, 3] - volts[:, 4]
        for i in 1:n
            step = [k == i ? 1e-5 : 0.0 for k in 1:n]
            @test J[:, i] ≈ (resistance(d, 1, 2, 3, 4, onsite + step) - resistance(d, 1, 2, 3, 4, onsite - step)) / 2e-5 atol = 1e-7
        end
        @test_throws MCD.ArgumentError circuit(d, Dict())
        @test_throws MCD.ArgumentError circuit(d, Dict(1 => 0), Dict(1 => 1))
    end

    if isdir(FOLDER)
        @testset "reference $name" for name in readdir(FOLDER)
            r = reference(name)
            wire = r.wire("fields")
            @test size(wire) == size(r.onsite) && size(wire)[1] != size(wire)[2]
            @test open_modes(wire) == r.z["open_modes"]
            @test maximum(abs, conductance(wire, r.onsite) - r.z["conductance_best"]) < 1e-11
            few = r.wire("fields_grad")
            G, J = jacobian(few, r.onsite)
            @test size(J) == (length(few), size(few)...)
            @test maximum(abs, J - r.grad) <= 1e-10 * maximum(abs, r.grad)
            weights = [0.5, -0.3, 2, 0, 1]
            @test vjp(few, r.onsite, weights)[2] ≈ sum(weights[k] * J[k, :, :] for k in 1:5) atol = 1e-11
            @test vjp(few, r.onsite)[2] ≈ dropdims(sum(J, dims=1), dims=1) atol = 1e-11
        end
    end

    @testset "a site is the same site in every layout" begin
        wire = Wire(; SMALL...)
        plain = fill(4.0, size(wire))
        plain[2, 7] += 1
        ours = clean(wire)
        ours[2, 7] += 1
        G = conductance(wire, plain)
        @test ours == plain && conductance(wire, ours) == G
        @test conductance(wire, transpose(collect(transpose(plain)))) == G
        @test conductance(wire, view(plain, :, :)) == G
        @test conductance(wire, round.(Int, plain)) == G
        J = jacobian(wire, plain)[2]
        up, down = copy(plain), copy(plain)
        up[2, 7] += 1e-5
        down[2, 7] -= 1e-5
        @test J[:, 2, 7] ≈ (conductance(wire, up) - conductance(wire, down)) / 2e-5 atol = 1e-7
        @test ldos(wire, plain)[2, 7] != ldos(wire, plain)[7, 2]
    end

    @testset "large arrays are used in place" begin
        wire = Wire(30, 30, range(0, 0.12, length=101))
        onsite, J, G = gaussian(wire, 15, 10, 10, 2), jacobian(wire, clean(wire))[2], zeros(101)
        ours = copyto!(onsite_array(wire), onsite)
        jacobian!(G, J, wire, ours)
        @test pointer(parent(J)) == pointer(parent(jacobian!(G, J, wire, ours)[2]))
        @test (@allocated jacobian!(G, J, wire, ours)) < sizeof(parent(ours))
        @test (@allocated jacobian!(G, J, wire, onsite)) < 4 * sizeof(onsite) + 10_000
        @test parent(view(J, 3, :, :)) === J
        @test occursin("onsite_array", message(() -> jacobian!(G, zeros(101, 30, 30), wire, ours)))
        trivial = minimum(@elapsed(for _ in 1:1000 wire.hopping end) for _ in 1:20) / 1000
        value, derivative = minimum(@elapsed(conductance!(G, wire, ours)) for _ in 1:5), minimum(@elapsed(jacobian!(G, J, wire, ours)) for _ in 1:5)
        println("julia: a trivial call takes $(round(Int, 1e9 * trivial)) ns, a value of 30 x 30 x 101 ",
                "$(round(1e3 * value, digits=2)) ms, a Jacobian $(round(1e3 * derivative, digits=2)) ms")
        @test trivial < 0.01 * value
    end

    @testset "observables" begin
        wire = Wire(; SMALL...)
        onsite, field = gaussian(wire, 4, 3, 2, 1.5), wire.fields[6]
        G = conductance(wire, onsite)
        S = smatrix(wire, onsite; field=field)
        n = size(S, 1) ÷ 2
        @test S' * S ≈ I
        @test sum(abs2, S[n+1:end, 1:n]) ≈ G[6]
        @test sum(transmission_eigenvalues(wire, onsite; field=field)) ≈ G[6]
        density = sum(sum(abs2, states(wire, onsite; field=field, lead=lead), dims=1) for lead in ("left", "right")) / 2π
        @test ldos(wire, onsite; field=field) ≈ dropdims(density, dims=1)
        @test field_derivative(wire, onsite)[1] ≈ G
        E = 1e-5
        @test energy_derivative(wire, onsite)[2] ≈ (conductance(Wire(9, 8, wire.fields; energy=1.2 + E), onsite) -
            conductance(Wire(9, 8, wire.fields; energy=1.2 - E), onsite)) / 2E rtol = 1e-6
        @test isempty(feasibility(wire, G).report)
        target = fill(100.0, 16)
        f = feasibility(wire, target)
        @test length(collect(f)) == 7
        fill!(target, 0.0)
        @test f.target == fill(100.0, 16)
        @test f.excess ≈ 100 .- f.ceiling && f.bound > 80 && occursin("exceeds", f.report)
    end

    @testset "errors" begin
        wire = Wire(; SMALL...)
        @test_throws MCD.ArgumentError Wire(0, 5, [0.1])
        @test occursin("length", message(() -> Wire(0, 5, [0.1])))
        @test_throws MCD.ArgumentError Wire(3, 5, [0.1]; backend="abacus")
        @test occursin("(9, 8)", message(() -> conductance(wire, zeros(8, 9))))
        @test_throws MCD.ArgumentError conductance(wire, fill(NaN, 9, 8))
        @test_throws MCD.ArgumentError conductance(wire, "onsite")
        @test_throws MCD.MemoryLimitError (w = Wire(30, 30, [0.1]); w.memory_limit = 1000; conductance(w, clean(w)))
        @test_throws MCD.FileError MCD.load("/nowhere/at/all.mcd")
        @test_throws MCD.FileError MCD.decode_problem(zeros(UInt8, 64))
        @test_throws MCD.ArgumentError design(Problem(wire, ones(16)); method="guess")
        @test_throws MCD.ArgumentError Problem(wire, ones(16), Gaussians(x=1, y=1, amplitude=1, radius=1, free="colour"))
        @test_throws MCD.ArgumentError wire.colour
        problem = Problem(wire, ones(16), Sites(clean(wire)))
        for (words, wrong) in (("length: 5.5", () -> Wire(5.5, 4, [0.1])), ("threads: 1.5", () -> (wire.threads = 1.5)),
                               ("max_evaluations: 1.5", () -> design(problem; max_evaluations=1.5)), ("stall: 3", () -> design(problem; stall=3)),
                               ("schedule", () -> design(problem; schedule=[(1,)])), ("step: \"wide\"", () -> quantize(problem, "wide")),
                               ("[3, 2]", () -> conductance(wire, [i == 3 && j == 2 ? Inf : 4.0 for i in 1:9, j in 1:8])),
                               ("frozen: 2", () -> Problem(wire, ones(16), Sites(frozen=fill(2, 9, 8)))),
                               ("regularizers", () -> Problem(wire, ones(16); regularizers=[1.0])))
            @test occursin(words, message(wrong))
        end
        e = try MCD.load("/nowhere/at/all.mcd") catch e e end
        @test e.status == -6 && occursin("nowhere", sprint(showerror, e))
        # From a thread of its own too: there the message would be lost with the thread.
        large = Wire(40, 40, range(0, 0.1, length=101))
        @test occursin("onsite", message(() -> conductance(large, fill(NaN, 40, 40))))
    end

    @testset "objective as optimizers want it" begin
        wire = Wire(; SMALL...)
        truth = gaussian(wire, 4, 3, 2, 1.5)
        problem = Problem(wire, conductance(wire, truth), Gaussians(x=4, y=2.7, amplitude=1.8, radius=1.6))
        @test labels(problem) == ["y[0]", "amplitude[0]", "radius[0]"]
        x, f = problem.start, fg!(problem)
        @test x == [2.7, 1.8, 1.6]
        @test onsite(problem) ≈ gaussian(wire, 4, 2.7, 1.8, 1.6)
        G = similar(x)
        L = f(0.0, G, x)
        @test L == objective(problem, x)[1] == f(0.0, nothing, x) && f(nothing, G, x) === nothing
        for i in 1:3
            e = [j == i ? 1e-5 : 0.0 for j in 1:3]
            @test G[i] ≈ (f(0.0, nothing, x + e) - f(0.0, nothing, x - e)) / 2e-5 rtol = 1e-5
        end
        # A BFGS with backtracking, as in any optimizer: it must find the defect.
        B = Matrix(0.01I, 3, 3)
        for _ in 1:60
            d, t, old = -B * G, 1.0, copy(G)
            while (next = f(0.0, nothing, x + t * d)) > L + 1e-4 * t * dot(d, G) && t > 1e-8
                t /= 2
            end
            s = t * d
            x += s
            L = f(0.0, G, x)
            y = G - old
            dot(s, y) > 0 && (B = (I - s * y' / dot(s, y)) * B * (I - y * s' / dot(s, y)) + s * s' / dot(s, y))
            L < -12 && break
        end
        @test L < -8
        @test x ≈ [3, 2, 1.5] rtol = 1e-3
    end

    @testset "parametrizations" begin
        wire = Wire(; SMALL...)
        target = conductance(wire, gaussian(wire, 4, 3, 0.5, 2))
        start = [4 + 0.1 * sin(i * j^2) for i in 1:9, j in 1:8]
        frozen = [i == 3 && j == 5 for i in 1:9, j in 1:8]
        p = Problem(wire, target, Sites(start; frozen=frozen, lower=3, upper=fill(5.0, 9, 8)); regularizers=Smoothness(1e-2))
        r = design(p; max_evaluations=30)
        @test r.onsite[3, 5] == start[3, 5] && r.onsite[5, 3] != start[5, 3] && r.problem.parametrization == "sites"
        @test r.parameters["onsite"] == r.onsite && length(r.vector) == 71 && !("site (2, 4)" in labels(p))
        @test r.objective < objective(p)[1]
        m = Problem(wire, target, Sites(start; mirror="y"))
        @test onsite(m) ≈ onsite(m)[:, end:-1:1]
        basis = zeros(2, 9, 8)
        basis[1, 2, 3] = basis[2, 7, 5] = 1
        g = Problem(wire, target, Gates(basis, [0.25, 0.5]; upper=[1, 2]))
        @test onsite(g)[2, 3] == 4.25 && onsite(g)[7, 5] == 4.5 && g.parametrization == "gates"
        tied = Problem(wire, target, Gaussians(x=[2, 6], y=[3, 4], amplitude=1, radius=1, free=("y", "radius"),
            bounds=Dict("y" => (0, 7)), frozen=Dict("y" => [true, false]), ties=Dict("radius" => [0, 0])))
        @test length(tied.start) == 2
        @test p.target == target && p.weights == ones(16) && p.background == clean(wire)
        @test_logs (:warn,) Problem(wire, fill(100.0, 16))
    end

    @testset "searches" begin
        wire = Wire(; SMALL...)
        target = conductance(wire, gaussian(wire, 4, 2.5, 3, 1.5))
        seen = Progress[]
        r = find_defect(wire, target; callback=p -> push!(seen, p))
        y = r.parameters["y"][1]
        @test min(y, 7 - y) ≈ 2.5 atol = 1e-5
        @test r.parameters["amplitude"][1] ≈ 3 atol = 1e-4
        @test !isempty(seen) && seen[end].evaluations > 0 && seen[1].size == sizeof(Progress)
        @test r.parameter_errors["x"][1] == 0 && r.parameter_errors["y"][1] >= 0
        @test r.conductance == conductance(wire, r.onsite) && r.evaluations > 0 && r.seconds > 0 && !isempty(r.message)
        @test length(r.history["objective"]) == length(r.history["evaluations"]) && r.outcomes[1].objective == r.objective
        @test_throws ErrorException("mine") find_defect(wire, target; callback=_ -> error("mine"))

        rough = Problem(wire, target, Sites([4 + 0.3 * sin(1.7 * i * j^2) for i in 1:9, j in 1:8]))
        rough = Problem(wire, target, Sites(design(rough; stop_objective=-4).onsite))
        even = smooth(rough; max_evaluations=60, callback=p -> push!(seen, p))
        @test even.objective <= -3 && minimum(even.history["roughness"]) < 0.8 * even.history["roughness"][1]
        @test seen[end].roughness > 0 && isnan(seen[1].roughness)
        @test smooth(even; level=-2.5, max_evaluations=30).objective <= -2.5
        @test roughness(even) ≈ minimum(even.history["roughness"][even.history["objective"].<=-3])
        @test identify(even).rank == 16
        several = design(rough; starts=3, stop_objective=-2, max_evaluations=60)
        for by in ("smoothness", "range", "sensitivity", "objective")
            ranking = ranked(several; by=by)
            @test issorted(ranking.measures) && size(ranking.differences) == (length(several.outcomes), length(several.outcomes))
        end
        @test length(ranked(several; count=1).results) == 1 && isempty(ranked(several; level=-100).results)
        @test dimensionless_field(tesla(0.05, 1e-9), 1e-9) ≈ 0.05 && 65 < tesla(0.05, 1e-9) < 66
        sloped = [0.1i for i in 1:9, j in 1:8]
        @test roughness(sloped) ≈ 64 * 0.01 && Smoothness(wire; step=neighbour_step(sloped)).weight ≈ 1 / roughness(sloped)
        steps = quantize(rough, 0.1; max_evaluations=80)
        @test steps.onsite ≈ 0.1 * round.(steps.onsite / 0.1) && steps.objective < 0
        @test nearest_feasible(wire, fill(100.0, 16)) == open_modes(wire)
        known = identify(r.problem, r.vector; sigma=0.1)
        @test known.rank == 3 && known.combinations' * known.combinations ≈ [i == j for i in 1:3, j in 1:3]
        @test size(known.sensitivity) == (9, 8) && all(isfinite, known.errors)

        start = Gaussians(x=4, y=4.5, amplitude=1, radius=1)
        mktempdir() do folder
            path = joinpath(folder, "part.mcd")
            p = Problem(wire, target, start)
            whole = design(p; max_evaluations=40)
            part = design(p; max_evaluations=6, checkpoint=path)
            again = resume(path; max_evaluations=40)
            @test again.onsite == whole.onsite && again.objective == whole.objective && part.evaluations <= 6
            MCD.save(path, p)
            @test MCD.encode(MCD.load(path)) == MCD.encode(p) && MCD.load(path) isa Problem
            MCD.save(path, whole)
            @test MCD.load(path).onsite == whole.onsite
            @test MCD.decode_result(MCD.encode(whole)).status == whole.status
        end
    end

    @testset "plots" begin
        wire = Wire(9, 8, [0.1, 0.0, 0.2]) # points in any order, drawn by field
        r = design(Problem(wire, [1.0, 2.0, 0.5], Gates(ones(1, 9, 8), [0.1])); max_evaluations=3)
        series = MCD.plot_series(r)
        @test [s.attributes.subplot for s in series] == [1, 1, 1, 2, 3]
        @test series[1].data == ([0, 0.1, 0.2], [2, 1, 0.5])
        @test series[2].data[2] == open_modes(wire)[[2, 1, 3]] && series[3].data[2] == r.conductance[[2, 1, 3]]
        x, y, potential = series[4].data # as heat maps are given: columns along x
        @test (x, y) == (0:8, 0:7) && potential[3, 5] == r.onsite[5, 3]
        @test length(series[5].data[1]) == length(series[5].data[2]) > 0
        # Plots.jl itself is not at hand: its package of recipes is played by one that has its two names.
        push!(LOAD_PATH, joinpath(@__DIR__, "RecipesBase"))
        recipes = Base.require(Base.PkgId(Base.UUID("3cdcf5f2-1ef4-517c-9805-6587b60abb01"), "RecipesBase"))
        isempty(methods(recipes.apply_recipe)) && include(joinpath(PROJECT, "ext", "MCDRecipesBaseExt.jl"))
        drawn = Base.invokelatest(recipes.apply_recipe, Dict{Symbol,Any}(:size => (400, 200)), r)
        @test [d.args for d in drawn] == [s.data for s in series]
        @test all(d -> d.plotattributes[:size] == (400, 200) && d.plotattributes[:layout] == (1, 3), drawn)
        @test drawn[4].plotattributes[:seriestype] == :heatmap && !haskey(drawn[5].plotattributes, :seriestype)
    end

    @testset "plots of devices" begin
        n = 4
        chain = [abs(i - j) == 1 ? -1.0 : 0.0 for i in 1:n, j in 1:n]
        ends = [Lead(zeros(1, 1), fill(-1.0, 1, 1), [k]) for k in (1, n)]
        for (positions, parametrization, kind) in ((nothing, Sites(), 1), (permutedims(1.0:n), Sites(), 3), (nothing, Hoppings([(2, 3)]), 2))
            d = Device(chain, ends, [0.4, 1.1]; positions=positions)
            series = MCD.plot_series(design(Problem(d, [0.9, 0.8], parametrization); max_evaluations=3, progress=false))
            @test [s.attributes.subplot for s in series] == [1, 1, 2, 3] && series[1].data == (1:2, [0.9, 0.8])
            @test get(series[3].attributes, :seriestype, :line) == (:line, :bar, :scatter)[kind]
            @test all(s -> length(unique(length.(s.data))) == 1, series)
        end
    end

    @testset "plots of feasibility" begin
        wire = Wire(9, 8, range(0.15, 0, length=16)) # drawn by field
        f = feasibility(wire, [k == 3 ? 50.0 : 1.0 + iseven(k) for k in 1:16])
        series = MCD.plot_series(f, nearest_feasible(wire, f.target))
        @test [s.attributes.label for s in series] == ["open modes", "out of reach", "too sharp", "nearest feasible", "target"]
        @test series[1].data == (sort(f.fields), reverse(f.ceiling)) && series[5].data[2] == reverse(f.target)
        @test series[2].data[2] - series[2].attributes.fillrange ≈ reverse(f.excess) && f.excess[3] == 50 - f.ceiling[3]
        spans = series[3].data[1]
        @test issorted(spans) && [any(a <= x <= b for (a, b) in zip(spans[1:2:end], spans[2:2:end])) for x in f.fields] == f.narrow
        ceiling, excess = f
        @test ceiling == open_modes(wire) && excess == f.excess && string(f) == f.report
        calm = MCD.plot_series(feasibility(wire, fill(0.5, 16)))
        @test [s.attributes.label for s in calm] == ["open modes", "target"]
        recipes = Base.require(Base.PkgId(Base.UUID("3cdcf5f2-1ef4-517c-9805-6587b60abb01"), "RecipesBase"))
        drawn = Base.invokelatest(recipes.apply_recipe, Dict{Symbol,Any}(:legend => false), f)
        @test [d.args for d in drawn] == [s.data for s in series[[1, 2, 3, 5]]] && all(d -> !d.plotattributes[:legend], drawn)
    end

    @testset "pictures of a device" begin
        # Two orbitals at each of three places, chained along x; the leads at both ends.
        n, t = 3, [-1.0 0.5; 0.5 -1.0]
        chain = [abs((i - 1) ÷ 2 - (j - 1) ÷ 2) == 1 ? t[(i-1)%2+1, (j-1)%2+1] : 0.0 for i in 1:2n, j in 1:2n]
        ends = [Lead(zeros(2, 2), t, [i, i + 1]) for i in (1, 2n - 1)]
        d = Device(chain, ends, 0.4; positions=[0.0 0 1 1 2 2])
        lines, points, left, right = MCD.plot_series(d)
        @test isequal(lines.data, ([0, 1, NaN, 1, 2, NaN], [0, 0, NaN, 0, 0, NaN])) && points.data == ([0, 1, 2], [0, 0, 0])
        @test left.data == ([0], [0]) && right.data == ([2], [0]) && right.attributes.label == "lead 2"
        density, flow = ldos(d, 1), currents(d, 1, 1)
        lines, points, = MCD.plot_series(d, density, flow)
        @test points.attributes.marker_z ≈ density[1:2:end] + density[2:2:end]
        @test lines.attributes.line_z ≈ fill(transmission(d, 2, 1)[1], 6) # a current's size, whatever its direction
        @test MCD.plot_series(d, nothing, fill(2.0, length(flow)))[1].attributes.line_z == fill(8.0, 6) # four entries a bond
        @test occursin("positions", message(() -> MCD.plot_series(Device(chain, ends, 0.4))))
        @test occursin("values", message(() -> MCD.plot_series(d, [1.0])))
        recipes = Base.require(Base.PkgId(Base.UUID("3cdcf5f2-1ef4-517c-9805-6587b60abb01"), "RecipesBase"))
        drawn = Base.invokelatest(recipes.apply_recipe, Dict{Symbol,Any}(), d, density, flow)
        @test length(drawn) == 4 && drawn[2].plotattributes[:marker_z] == points.attributes.marker_z
    end

    @testset "curves" begin
        @test read_curve([0, 0.1, 0.2], [4, 3, 1]; fields=[-0.15, 0, 0.05, 0.2]).target ≈ [2, 4, 3.5, 1]
        @test read_curve([0.1, -0.1, 0], [3, 5, 4]; fields=[-0.05, 0.05]).target ≈ [4.5, 3.5]
        @test read_curve([-0.2, 0], [1, 4]; fields=[0.1]).target ≈ [2.5]
        for (words, wrong) in (("known from 0.0 to 1.0", () -> read_curve([0, 1], [1, 2]; fields=[2.0])),
                               ("twice", () -> read_curve([0, 0], [1, 2])), ("size", () -> read_curve([0, 1], [1, 2, 3])))
            @test occursin(words, message(wrong))
        end
        mktempdir() do folder
            path, a, fields = joinpath(folder, "measured.csv"), 2e-9, range(0, 0.1, length=11)
            write(path, "\ufeff# run 7\nB (T); G\n", ("$(tesla(x, a)); $(1 - (k - 1) / 20)\n" for (k, x) in enumerate(fields))...)
            curve = read_curve(path; lattice_constant=a)
            @test curve.fields ≈ fields && curve.target ≈ 1 .- (0:10) / 20
            @test read_curve(path; fields=[0.05], lattice_constant=a).target ≈ [0.75]
            for (content, words) in (("phi,G\n", "no line"), ("0.1\n", "line 1 has no second"), ("0.1, x\n", "line 1"))
                write(path, content)
                @test_throws MCD.FileError read_curve(path)
                @test occursin(words, message(() -> read_curve(path)))
            end
            @test_throws MCD.FileError read_curve(joinpath(folder, "missing.csv"))
        end

        picture = fill(255, 8, 5)
        picture[7:end, 1] .= 0
        picture[4:end, 2:end] .= 0
        picture[6, 3] = 255 # a hole in the silhouette does not count
        @test trace(picture, range(0, 1, length=5); g_range=(1, 9), smoothing=0) ≈ [3, 6, 6, 6, 6]
        @test trace(picture / 255, range(0, 1, length=9); g_range=(1, 9), smoothing=0) ≈ [3, 4.5, 6, 6, 6, 6, 6, 6, 6]
        @test trace(fill(1.0, 8, 5), [0, 1]; g_range=(3, 11)) == [3, 3]
        # A step between the columns 20 and 21 of 40, and one at the left edge, where the curve goes on as its mirror image.
        step, sigma = [c > 20 && r > 5 ? 0.0 : 1.0 for r in 1:10, c in 1:40], 2
        weights = [exp(-k^2 / 8) for k in -8:8]
        share(inside) = sum(weights[k+9] * inside(k) for k in -8:8) / sum(weights)
        G = trace(step, 0:39; g_range=(0, 2), smoothing=sigma)
        @test G ≈ [share(k -> c + k > 20) for c in 1:40]
        early = [c > 3 && r > 5 ? 0.0 : 1.0 for r in 1:10, c in 1:40]
        @test trace(early, 0:39; g_range=(0, 2), smoothing=sigma)[1:9] ≈ [share(k -> abs(c + k - 1) > 2) for c in 1:9]
        @test trace(early, 1:40; g_range=(0, 2), smoothing=sigma)[1:9] ≈ [share(k -> c + k > 3) for c in 1:9]
        @test occursin("increasing", message(() -> trace(step, [0, 0]))) && occursin("smoothing", message(() -> trace(step, [0, 1]; smoothing=-1)))
    end

    @testset "interrupts" begin
        # A program that is interrupted while it computes; it must say how and how soon it came back.
        program(work) = """
            using MCD
            Base.exit_on_sigint(false)
            wire = Wire(9, 8, range(0, 0.2, length=16))
            large = Wire(40, 40, range(0, 0.1, length=64))
            p = Problem(wire, ones(16), Sites([4 + 0.1 * sin(i * j^2) for i in 1:9, j in 1:8]))
            said = Ref(false)
            working() = said[] || (said[] = true; println("working"); flush(stdout))
            function work()
                try
                    return $work
                catch e
                    return typeof(e)
                end
            end
            println(work()); flush(stdout)
            println("alive ", length(conductance(wire, clean(wire))), " ", length(conductance(large, clean(large))))
            """
        @testset "$how" for (work, how) in (
                ("design(p; method=\"adam\", max_evaluations=0, time_limit=60.0, callback=_ -> working()).status", "cancelled"),
                ("(while true; jacobian(large, clean(large)); working(); end)", "InterruptException"),
                ("(q = Problem(large, ones(64), Sites(4 .+ rand(40, 40))); while true; objective(q); working(); end)", "InterruptException"))
            code = program(work)
            process = open(`$(Base.julia_cmd()) --project=$PROJECT --startup-file=no --optimize=0 -e $code`)
            limit = Timer(_ -> kill(process, 9), 120)
            @test readline(process) == "working"
            begun = time()
            kill(process, 2)
            @test readline(process) == how
            println("julia: interrupted, $how after $(round(time() - begun, digits=3)) s")
            @test readline(process) == "alive 16 64"
            wait(process)
            close(limit)
            @test process.exitcode == 0
        end
    end

    @testset "nothing leaks" begin
        settled() = (for _ in 1:3 GC.gc() end; MCD.live_handles())
        before = settled()
        function work()
            wires = [Wire(; SMALL...) for _ in 1:50]
            r = design(Problem(wires[1], ones(16), Gates(ones(1, 9, 8))); max_evaluations=3)
            try design(r.problem; method="guess") catch end
            try design(r.problem; callback=_ -> error("mine")) catch end
            alive = MCD.live_handles() - before
            close(wires[1])
            @test_throws MCD.HandleError conductance(wires[1], fill(4.0, 9, 8))
            alive
        end
        @test work() > 50
        @test settled() == before
    end

    @testset "the library" begin
        @test MCD.version() == "1.0.0"
        @test any(d -> d.name == "cpu" && d.available, MCD.devices())
        @test MCD.memory_used() >= 0
        MCD.set_threads(1)
        @test MCD.get_threads() == 1 && Wire(; SMALL...).threads == 1
        MCD.set_threads(0)
        MCD.set_memory_limit(1 << 40)
        @test MCD.get_memory_limit() == 1 << 40
        MCD.set_memory_limit(0)
    end
end
