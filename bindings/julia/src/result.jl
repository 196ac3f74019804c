# What a search found.

"""
    Result

The best point of a search, with its problem and its history.

- `onsite` `[x, y]`, `conductance`, `objective`, `evaluations`, `seconds`, `backend`, `problem`
- `hamiltonian`: of a problem by hoppings or directions, `[point, entry]` over the entries of `pattern`
- `parameters`, `parameter_errors`: by name, "onsite" of sites, "x", "y", "amplitude", "radius" of Gaussians, "volts" of gates, the
  names of directions; standard errors are 0 for what was fixed, NaN where they are not known (only `find_defect` computes them)
- `vector`: the parameters in the order of `labels(result.problem)`
- `status`: "objective", "step", "gradient", "stalled", "evaluations", "iterations", "time", "cancelled" or "failed", and
  `message`, the same as a sentence
- `history`: "objective" and "evaluations" of the best start, one entry per iteration
- `outcomes`: the distinct outcomes of the starts, best first
"""
struct Result
    handle::Handle
    problem::Problem
end

Result(handle::Handle) =
    Result(handle, Problem(create(p -> @ccall libmcd.mcd_result_problem(handle::UInt64, p::Ptr{UInt64})::Cint)))

Base.propertynames(::Result) = (:problem, :onsite, :hamiltonian, :conductance, :objective, :evaluations, :seconds, :backend,
                                :parameters, :parameter_errors, :vector, :status, :message, :history, :outcomes)
Base.show(io::IO, r::Result) =
    print(io, "Result: L = ", r.objective, " after ", r.evaluations, " evaluations (", r.status, ")")

Base.getproperty(r::Result, name::Symbol) =
    name in fieldnames(Result) ? getfield(r, name) : name in propertynames(r) ? part(r, Val(name)) :
    throw(ArgumentError("Result has no property $name; it has $(join(propertynames(r), ", "))"))

function part(r::Result, ::Val{:onsite})
    r.problem.parametrization == "directions" && throw(ArgumentError(
        "result: its parameters are coefficients of directions, not on-site energies; see its parameters and hamiltonian"))
    out = new_onsite(r.problem)
    check(@ccall libmcd.mcd_result_onsite(r.handle::UInt64, raw(out)::Ptr{Float64}, length(out)::Csize_t)::Cint)
    out
end
part(r::Result, ::Val{:hamiltonian}) = hamiltonian(r.problem, r.vector)
function part(r::Result, ::Val{:conductance})
    out = Vector{Float64}(undef, counts_of_engine(r.problem)[2])
    check(@ccall libmcd.mcd_result_conductance(r.handle::UInt64, out::Ptr{Float64}, length(out)::Csize_t)::Cint)
    by_point(r.problem, out)
end
function part(r::Result, ::Val{:vector})
    out = Vector{Float64}(undef, parameters(r.problem))
    check(@ccall libmcd.mcd_result_parameters(r.handle::UInt64, out::Ptr{Float64}, length(out)::Csize_t)::Cint)
    out
end
part(r::Result, ::Val{:objective}) = get_scalar(Float64, p -> @ccall libmcd.mcd_result_objective(r.handle::UInt64, p::Ptr{Float64})::Cint)
part(r::Result, ::Val{:seconds}) = get_scalar(Float64, p -> @ccall libmcd.mcd_result_seconds(r.handle::UInt64, p::Ptr{Float64})::Cint)
part(r::Result, ::Val{:evaluations}) =
    get_scalar(Int64, p -> @ccall libmcd.mcd_result_evaluations(r.handle::UInt64, p::Ptr{Int64})::Cint)
part(r::Result, ::Val{:status}) = text((o, n, m) ->
    @ccall libmcd.mcd_result_status(r.handle::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
part(r::Result, ::Val{:message}) = text((o, n, m) ->
    @ccall libmcd.mcd_result_message(r.handle::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
part(r::Result, ::Val{:backend}) = text((o, n, m) ->
    @ccall libmcd.mcd_result_backend(r.handle::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
part(r::Result, ::Val{:history}) = Dict(map(("objective", "evaluations", "roughness")) do column
    column => growing(Float64, (o, n, m) -> @ccall libmcd.mcd_result_history(
        r.handle::UInt64, column::Cstring, o::Ptr{Float64}, n::Csize_t, m::Ptr{Csize_t})::Cint)
end)
part(r::Result, ::Val{:outcomes}) =
    map(0:Int(get_scalar(Csize_t, p -> @ccall libmcd.mcd_result_outcomes(r.handle::UInt64, p::Ptr{Csize_t})::Cint))-1) do i
        Result(create(p -> @ccall libmcd.mcd_result_outcome(r.handle::UInt64, i::Csize_t, p::Ptr{UInt64})::Cint))
    end

part(r::Result, ::Val{:parameters}) = named(r,
    (name, o, n, m) -> @ccall(libmcd.mcd_result_quantity(r.handle::UInt64, name::Cstring, o::Ptr{Float64}, n::Csize_t, m::Ptr{Csize_t})::Cint),
    (o, n) -> @ccall(libmcd.mcd_result_entries(r.handle::UInt64, o::Ptr{Float64}, n::Csize_t)::Cint))
part(r::Result, ::Val{:parameter_errors}) = named(r,
    (name, o, n, m) -> @ccall(libmcd.mcd_result_quantity_error(r.handle::UInt64, name::Cstring, o::Ptr{Float64}, n::Csize_t, m::Ptr{Csize_t})::Cint),
    (o, n) -> @ccall(libmcd.mcd_result_errors(r.handle::UInt64, o::Ptr{Float64}, n::Csize_t)::Cint))

function named(r::Result, quantity, entries)
    kind = r.problem.parametrization
    if kind == "sites"
        out = new_onsite(r.problem)
        check(entries(raw(out), length(out)))
        return Dict{String,Any}("onsite" => out)
    end
    if kind == "directions"
        h, out = r.problem.handle, Vector{Float64}(undef, counts(r.problem)[1])
        check(entries(out, length(out)))
        names = text((o, n, m) -> @ccall libmcd.mcd_problem_get_names(h::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
        return isempty(names) ? Dict{String,Any}("coefficients" => out) : Dict{String,Any}(zip(split(names, '\n'), out))
    end
    names = kind == "gates" ? ("volts",) : QUANTITIES
    Dict{String,Any}(name => growing(Float64, (o, n, m) -> quantity(name, o, n, m)) for name in names)
end

"    identify(result; sigma=nothing)\n\nWhat the curve determines about the parameters of a result: see `identify(problem)`."
identify(r::Result; sigma=nothing) = identify(r.problem, r.vector; sigma=sigma)

"L_pot of the potential of a result."
roughness(r::Result) = roughness(r.onsite)

const MEASURES = Dict("smoothness" => roughness, "range" => r -> -(-)(extrema(r.onsite)...), "objective" => r -> r.objective,
                      "sensitivity" => r -> sqrt(sum(abs2, jacobian(r.problem.wire, r.onsite)[2])))

"""
    ranked(result; by="smoothness", count=typemax(Int), level=Inf) -> (results, measures, differences)

Distinct outcomes of the starts with L ≤ level, the least measure first: "smoothness" (`roughness`), "range" (highest minus lowest
site), "sensitivity" (norm of ∂G/∂onsite) or "objective"; and the root mean square differences of every two potentials.
"""
function ranked(r::Result; by="smoothness", count=typemax(Int), level=Inf)
    haskey(MEASURES, by) || throw(ArgumentError("by: $(repr(by)); give one of $(join(sort!(collect(keys(MEASURES))), ", "))"))
    outcomes = filter(o -> o.objective <= level, r.outcomes)
    measures = Float64[MEASURES[by](o) for o in outcomes]
    order = sortperm(measures)[1:min(count, end)]
    potentials = [o.onsite for o in outcomes[order]]
    (results = outcomes[order], measures = measures[order],
     differences = [sqrt(sum(abs2, a - b) / length(a)) for a in potentials, b in potentials])
end

encode(r::Result) = growing(UInt8, (o, n, m) ->
    @ccall libmcd.mcd_result_encode(r.handle::UInt64, o::Ptr{UInt8}, n::Csize_t, m::Ptr{Csize_t})::Cint)
decode_result(bytes::Vector{UInt8}) = Result(create(p ->
    @ccall libmcd.mcd_result_decode(bytes::Ptr{UInt8}, length(bytes)::Csize_t, p::Ptr{UInt64})::Cint))
save(path::AbstractString, r::Result) = (check(@ccall libmcd.mcd_result_save(r.handle::UInt64, path::Cstring)::Cint); nothing)

"    MCD.load(path)\n\nReads a .mcd file: the `Result` in it, or the `Problem` if there is no result yet."
function load(path::AbstractString)
    try
        Result(create(p -> @ccall libmcd.mcd_result_load(path::Cstring, p::Ptr{UInt64})::Cint))
    catch e
        e isa FileError ? load_problem(path) : rethrow()
    end
end
