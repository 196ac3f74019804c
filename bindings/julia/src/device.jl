# Any device: sparse Hamiltonians over a sweep, leads anywhere; transmissions, densities, and exact derivatives.

"""
    Lead(cell, hopping, interface)

A periodic lead: cells 0, 1, … lead away from the device. `cell` is the Hamiltonian of one cell, `hopping` is ⟨cell n+1|H|cell n⟩ from
the first orbitals of a cell, `interface` lists the orbitals of the device that take the place of those of "cell −1".
Vectors of matrices give one for every point of the sweep.
"""
struct Lead
    cell::Vector{Matrix{ComplexF64}}
    hopping::Vector{Matrix{ComplexF64}}
    interface::Vector{Int}
end

each_point(a::AbstractMatrix) = [Matrix{ComplexF64}(a)]
each_point(a::AbstractVector) = [Matrix{ComplexF64}(m) for m in a]
Lead(cell::AbstractArray, hopping::AbstractArray, interface) = Lead(each_point(cell), each_point(hopping), collect(Int, interface))

"""
    Device(hamiltonian, leads, energy; positions=nothing, hermitian=true, threads=nothing, memory_limit=0)

A batch of scattering problems that share a sparsity pattern. `hamiltonian` is one sparse matrix, or a vector with one for every
point of the sweep; `energy` is a number or a vector; `positions`, a matrix (dimensions, orbitals), helps to find a good order of
elimination. Leads, orbitals and points count from 1. On-site energies, where a function takes them, are added to the diagonal.
"""
struct Device
    handle::Handle
    orbitals::Int
    energies::Vector{Float64}
    interfaces::Vector{Vector{Int}}
end

function Device(hamiltonian, leads, energy; positions=nothing, hermitian::Bool=true, threads::Union{Integer,Nothing}=nothing,
                memory_limit::Integer=0)
    matrices = hamiltonian isa AbstractMatrix ? [hamiltonian] : collect(hamiltonian)
    rows, cols, values = entries(matrices)
    leads, n = collect(Lead, leads), size(first(matrices), 1)
    points = maximum([length(energy), length(matrices), (length(m) for l in leads for m in (l.cell, l.hopping))...])
    spread(a, name) = length(a) in (1, points) ? [a[min(k, end)] for k in 1:points] :
                      throw(ArgumentError("$name: $(length(a)) entries for $points points; give one for all or one for each"))
    energies = Vector{Float64}(spread(energy isa Real ? [energy] : collect(energy), "energy"))
    h = create(p -> @ccall libmcd.mcd_system_create(n::Int64, rows::Ptr{Int64}, length(rows)::Csize_t, cols::Ptr{Int64},
        length(cols)::Csize_t, energies::Ptr{Float64}, points::Csize_t, p::Ptr{UInt64})::Cint)
    hermitian || check(@ccall libmcd.mcd_system_set_hermitian(h::UInt64, 0::Int32)::Cint)
    v = reduce(hcat, spread(values, "hamiltonian"))
    check(@ccall libmcd.mcd_system_set_values(h::UInt64, v::Ptr{ComplexF64}, (2length(v))::Csize_t)::Cint)
    if positions !== nothing
        x = Matrix{Float64}(positions)
        check(@ccall libmcd.mcd_system_set_positions(h::UInt64, x::Ptr{Float64}, length(x)::Csize_t, size(x, 1)::Int64)::Cint)
    end
    threads === nothing || check(@ccall libmcd.mcd_system_set_threads(h::UInt64, threads::Int64)::Cint)
    memory_limit == 0 || check(@ccall libmcd.mcd_system_set_memory_limit(h::UInt64, memory_limit::Int64)::Cint)
    for l in leads
        at, c = l.interface .- 1, row_major(l.cell)
        t = row_major(l.hopping)
        check(@ccall libmcd.mcd_system_add_lead(h::UInt64, at::Ptr{Int64}, length(at)::Csize_t, size(l.cell[1], 1)::Int64,
            c::Ptr{ComplexF64}, (2length(c))::Csize_t, t::Ptr{ComplexF64}, (2length(t))::Csize_t)::Cint)
    end
    Device(h, n, energies, [l.interface for l in leads])
end

"Matrices one after the other in the library's order."
row_major(matrices) = reduce(vcat, [vec(permutedims(m)) for m in matrices])

"The common pattern of sparse matrices, both triangles, counted from 0, and the values of each."
function entries(matrices)
    n = size(first(matrices), 1)
    all(size(m) == (n, n) for m in matrices) ||
        throw(ArgumentError("hamiltonian: sizes $(unique(size.(matrices))); give square matrices of one size"))
    places = Set{Tuple{Int,Int}}()
    for m in matrices, at in findall(!iszero, m) # quick for sparse matrices too
        push!(places, (at[1], at[2]), (at[2], at[1]))
    end
    pattern = sort!(collect(places))
    first.(pattern) .- 1, last.(pattern) .- 1, [ComplexF64[m[i, j] for (i, j) in pattern] for m in matrices]
end

"The device that a handle names."
function Device(h::Handle)
    sizes = [Ref{Int64}(0) for _ in 1:4]
    a, b, c, e = sizes
    check(@ccall libmcd.mcd_system_shape(h::UInt64, a::Ptr{Int64}, b::Ptr{Int64}, c::Ptr{Int64}, e::Ptr{Int64})::Cint)
    energies = Vector{Float64}(undef, c[])
    check(@ccall libmcd.mcd_system_energies(h::UInt64, energies::Ptr{Float64}, length(energies)::Csize_t)::Cint)
    orbitals = Ref{Int64}(0)
    touched(i) = growing(Int64, (o, n, m) -> @ccall libmcd.mcd_system_lead(h::UInt64, i::Int64, orbitals::Ptr{Int64},
        o::Ptr{Int64}, n::Csize_t, m::Ptr{Csize_t})::Cint)
    Device(h, a[], energies, [touched(i) .+ 1 for i in 0:e[]-1])
end

Base.size(d::Device) = (d.orbitals,)
Base.length(d::Device) = length(d.energies)
Base.show(io::IO, d::Device) =
    print(io, "Device of ", d.orbitals, " orbitals, ", length(d.interfaces), " leads, ", length(d), " points")

function compute(d::Device, name::Symbol, arguments...)
    h = d.handle
    GC.@preserve h if length(d) * d.orbitals < 2000
        direct(name, h.value, arguments...)
    else
        interruptible(() -> @ccall(libmcd.mcd_system_cancel(h::UInt64)::Cint), name, h.value, arguments...)
    end
end

added(d::Device, onsite) = onsite === nothing ? Float64[] : memory(onsite, (d.orbitals,), "onsite")
pointer_of(a) = isempty(a) ? Ptr{Float64}(0) : a

"Open modes of every lead, `[point, lead]`."
function open_modes(d::Device)
    modes = Matrix{Int64}(undef, length(d.interfaces), length(d))
    compute(d, :mcd_system_open_modes, modes, length(modes))
    permutedims(modes)
end

"""
    transmission(device, to, from[, onsite])

Transmission of every point from lead `from` to lead `to`; the reflection where they are equal.
"""
function transmission(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    compute(d, :mcd_system_transmission, Int64[to-1, from-1], 2, pointer_of(h), length(h), g, length(g))
    g
end

"Transmissions between all leads, `[point, to, from]`, reflections on the diagonal."
function transmission_matrix(d::Device, onsite=nothing)
    leads, h = length(d.interfaces), added(d, onsite)
    t = Array{Float64}(undef, leads, leads, length(d))
    compute(d, :mcd_system_transmission_matrix, pointer_of(h), length(h), t, length(t))
    PermutedDimsArray(t, (3, 2, 1))
end

"""
    jacobian(device, to, from[, onsite]) -> T, J

Transmission and its exact derivative by every on-site energy, `J[point, orbital]`.
"""
function jacobian(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    j = Matrix{Float64}(undef, d.orbitals, length(d))
    compute(d, :mcd_system_jacobian, Int64[to-1, from-1], 2, pointer_of(h), length(h), g, length(g), j, length(j))
    g, PermutedDimsArray(j, (2, 1))
end

"""
    vjp(device, to, from[, weights, onsite]) -> T, gradient

Transmission and Σ_k weights[k] · ∂T[k]/∂onsite at the price of one gradient; weights are ones by default.
"""
function vjp(d::Device, to::Integer, from::Integer, weights=nothing, onsite=nothing)
    g, gradient, h = Vector{Float64}(undef, length(d)), Vector{Float64}(undef, d.orbitals), added(d, onsite)
    w = weights === nothing ? Float64[] : memory(weights, (length(d),), "weights")
    compute(d, :mcd_system_vjp, Int64[to-1, from-1], 2, pointer_of(h), length(h), pointer_of(w), length(w), g, length(g),
            gradient, length(gradient))
    g, gradient
end

"Scattering matrix of one point, `[outgoing, incoming]`, the modes of lead 1 first. Unitary."
function smatrix(d::Device, point::Integer, onsite=nothing)
    h = added(d, onsite)
    checkbounds(d.energies, point)
    n = sum(open_modes(d)[point, :])
    s, needed = Matrix{ComplexF64}(undef, n, n), Ref{Csize_t}(0)
    compute(d, :mcd_system_smatrix, pointer_of(h), length(h), point - 1, s, 2length(s), needed)
    permutedims(s)
end

"Local density of states of every orbital at one point."
function ldos(d::Device, point::Integer, onsite=nothing)
    rho, h = Vector{Float64}(undef, d.orbitals), added(d, onsite)
    compute(d, :mcd_system_ldos, pointer_of(h), length(h), Int64[point-1], 1, rho, length(rho))
    rho
end

"C with I = C V for the currents into the device and the voltages of all leads, `[point, lead, lead]`, e²/h."
function conductance_matrix(d::Device, onsite=nothing)
    c = -transmission_matrix(d, onsite)
    for (p, modes) in enumerate(eachrow(open_modes(d))), (i, n) in enumerate(modes)
        c[p, i, i] += n
    end
    c
end

"""
    resistance(device, source, drain, plus, minus[, onsite])

Four-terminal resistance (V_plus − V_minus)/I of every point for a current from lead `source` to lead `drain`, h/e²; all other
leads are voltage probes. NaN where voltages are not defined.
"""
function resistance(d::Device, source::Integer, drain::Integer, plus::Integer, minus::Integer, onsite=nothing)
    source == drain && throw(ArgumentError("drain: $drain is the source; give another lead"))
    others = setdiff(1:length(d.interfaces), drain)
    map(eachslice(conductance_matrix(d, onsite); dims=1)) do c
        reduced = Matrix{Float64}(c[others, others])
        cond(reduced) < 1 / eps() || return NaN
        volts = zeros(length(d.interfaces))
        volts[others] = reduced \ Float64.(others .== source)
        volts[plus] - volts[minus]
    end
end

"""
    noise(device, to, from[, onsite]) -> T, noise

Transmission and shot noise Σ T_n(1 − T_n) of every point; their ratio is the Fano factor.
"""
function noise(d::Device, to::Integer, from::Integer, onsite=nothing)
    g, power, h = Vector{Float64}(undef, length(d)), Vector{Float64}(undef, length(d)), added(d, onsite)
    compute(d, :mcd_system_noise, Int64[to-1, from-1], 2, pointer_of(h), length(h), g, length(g), power, length(power))
    g, power
end

"""
    combined_jacobian(device, weights[, onsite])

Σ_ij weights[:, i, j] · ∂T_ij/∂onsite, `[point, orbital]`, for weights `[point, to, from]`: the derivatives of any function of the
transmissions, with its partial derivatives as weights.
"""
function combined_jacobian(d::Device, weights::AbstractArray{<:Real,3}, onsite=nothing)
    leads, h = length(d.interfaces), added(d, onsite)
    size(weights) == (length(d), leads, leads) ||
        throw(DimensionMismatch("weights: size $(size(weights)); give $((length(d), leads, leads))"))
    pairs = [Int64(k) for to in 0:leads-1 for from in 0:leads-1 for k in (to, from)]
    w = Float64[weights[p, to, from] for p in 1:length(d), from in 1:leads, to in 1:leads]
    g, j = similar(w), Matrix{Float64}(undef, d.orbitals, length(d))
    compute(d, :mcd_system_combined_jacobian, pairs, length(pairs), pointer_of(h), length(h), w, length(w), g, length(g), j,
            length(j))
    PermutedDimsArray(j, (2, 1))
end

"Rows and columns of the entries of the Hamiltonians."
function pattern(d::Device)
    h, sizes = d.handle, zeros(Int64, 4)
    GC.@preserve h sizes begin
        at = pointer(sizes)
        check(@ccall libmcd.mcd_system_shape(h::UInt64, at::Ptr{Int64}, (at + 8)::Ptr{Int64}, (at + 16)::Ptr{Int64},
                                             (at + 24)::Ptr{Int64})::Cint)
        rows, cols = Vector{Int64}(undef, sizes[2]), Vector{Int64}(undef, sizes[2])
        check(@ccall libmcd.mcd_system_pattern(h::UInt64, rows::Ptr{Int64}, length(rows)::Csize_t, cols::Ptr{Int64},
                                               length(cols)::Csize_t)::Cint)
    end
    rows .+ 1, cols .+ 1
end

"""
    hopping_jacobian(device, to, from, hoppings[, onsite]) -> T, J

Transmission and its derivatives by the hoppings (i, j), H_ji tied to the conjugate of H_ij: the real part of `J[point, hopping]`
is ∂T/∂Re H_ij, the imaginary part ∂T/∂Im H_ij.
"""
function hopping_jacobian(d::Device, to::Integer, from::Integer, hoppings, onsite=nothing)
    bonds = Int64[k - 1 for bond in hoppings for k in bond]
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    j = Matrix{ComplexF64}(undef, length(bonds) ÷ 2, length(d))
    compute(d, :mcd_system_hopping_jacobian, Int64[to-1, from-1], 2, bonds, length(bonds), pointer_of(h), length(h), g, length(g),
            j, 2length(j))
    g, PermutedDimsArray(j, (2, 1))
end

"""
    hamiltonian_vjp(device, to, from[, weights, onsite]) -> T, D

Transmission and D, `[point, entry]` over the entries of `pattern`: a change dH changes Σ weights · T by Re Σ D · dH.
"""
function hamiltonian_vjp(d::Device, to::Integer, from::Integer, weights=nothing, onsite=nothing)
    g, h = Vector{Float64}(undef, length(d)), added(d, onsite)
    w = weights === nothing ? Float64[] : memory(weights, (length(d),), "weights")
    gradient = Matrix{ComplexF64}(undef, length(pattern(d)[1]), length(d))
    compute(d, :mcd_system_hamiltonian_vjp, Int64[to-1, from-1], 2, pointer_of(h), length(h), pointer_of(w), length(w), g,
            length(g), gradient, 2length(gradient))
    g, PermutedDimsArray(gradient, (2, 1))
end

"""
    derivative(device, to, from[, onsite]; hamiltonian=nothing, energy=nothing, leads=nothing) -> T, dT

Transmission and its derivative by one parameter p: `hamiltonian` is dH/dp over the entries of `pattern`, `[point, entry]`;
`energy` is dE/dp, a number or one for every point; `leads` has (dcell, dhopping), matrices or vectors of one for every point, for
every lead.
"""
function derivative(d::Device, to::Integer, from::Integer, onsite=nothing; hamiltonian=nothing, energy=nothing, leads=nothing)
    g, dg, h = Vector{Float64}(undef, length(d)), Vector{Float64}(undef, length(d)), added(d, onsite)
    values = hamiltonian === nothing ? ComplexF64[] : Matrix{ComplexF64}(permutedims(hamiltonian))
    energies = energy === nothing ? Float64[] : energy isa Real ? fill(Float64(energy), length(d)) : Vector{Float64}(energy)
    every(m) = m isa AbstractMatrix ? [m for _ in 1:length(d)] : m
    changes = leads === nothing ? ComplexF64[] :
              ComplexF64[z for (cell, hopping) in leads for pair in zip(every(cell), every(hopping)) for m in pair for z in permutedims(m)]
    compute(d, :mcd_system_derivative, Int64[to-1, from-1], 2, pointer_of(h), length(h), pointer_of(values), 2length(values),
            pointer_of(energies), length(energies), pointer_of(changes), 2length(changes), g, length(g), dg, length(dg))
    g, dg
end

"Calls a getter of a complex matrix of the given size."
function complex_matrix(d::Device, name::Symbol, rows::Integer, columns::Integer, arguments...)
    m, needed = Matrix{ComplexF64}(undef, columns, rows), Ref{Csize_t}(0)
    compute(d, name, arguments..., m, 2length(m), needed)
    permutedims(m)
end

"Retarded Green's function of one point between the interfaces of two leads."
function greens_function(d::Device, to::Integer, from::Integer, point::Integer, onsite=nothing)
    h = added(d, onsite)
    complex_matrix(d, :mcd_system_green, length(d.interfaces[to]), length(d.interfaces[from]), pointer_of(h), length(h), point - 1,
                   to - 1, from - 1)
end

"States of unit flux that the modes of a lead send into the device at one point, `[mode, orbital]`."
function wave_function(d::Device, from::Integer, point::Integer, onsite=nothing)
    h = added(d, onsite)
    complex_matrix(d, :mcd_system_wave_function, open_modes(d)[point, from], d.orbitals, pointer_of(h), length(h), point - 1,
                   from - 1)
end

"Currents from orbital `cols[k]` to `rows[k]` of `pattern` in the states that a lead sends in at one point."
function currents(d::Device, from::Integer, point::Integer, onsite=nothing)
    flow, h = Vector{Float64}(undef, length(pattern(d)[1])), added(d, onsite)
    compute(d, :mcd_system_currents, pointer_of(h), length(h), point - 1, from - 1, flow, length(flow))
    flow
end
