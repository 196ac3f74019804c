# What a search found.

"""
    Result

The best point of a search, with its problem and its history.

- `onsite` `[x, y]`, `conductance`, `objective`, `evaluations`, `seconds`, `backend`, `problem`
- `parameters`, `parameter_errors`: by name, "onsite" of sites, "x", "y", "amplitude", "radius" of Gaussians, "volts" of gates;
  standard errors are 0 for what was fixed, NaN where they are not known (only `find_defect` computes them)
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

Base.propertynames(::Result) = (:problem, :onsite, :conductance, :objective, :evaluations, :seconds, :backend, :parameters,
                                :parameter_errors, :vector, :status, :message, :history, :outcomes)
Base.show(io::IO, r::Result) =
    print(io, "Result: L = ", r.objective, " after ", r.evaluations, " evaluations (", r.status, ")")

Base.getproperty(r::Result, name::Symbol) =
    name in fieldnames(Result) ? getfield(r, name) : name in propertynames(r) ? part(r, Val(name)) :
    throw(ArgumentError("Result has no property $name; it has $(join(propertynames(r), ", "))"))

function part(r::Result, ::Val{:onsite})
    out = new_onsite(r.problem)
    check(@ccall libmcd.mcd_result_onsite(r.handle::UInt64, raw(out)::Ptr{Float64}, length(out)::Csize_t)::Cint)
    out
end
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
    names = kind == "gates" ? ("volts",) : kind == "directions" ? ("coefficients",) : QUANTITIES
    Dict{String,Any}(name => growing(Float64, (o, n, m) -> quantity(name, o, n, m)) for name in names)
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

"""
    MCD.plot_series(result)

What there is to draw of a result, as series of `data` (a tuple of arrays) with `attributes` in the words of Plots.jl: target, open
modes and curve found in the first subplot, the potential in the second, the history of the objective in the third.
"""
function plot_series(r::Result)
    wire = r.problem.wire
    order = sortperm(wire.fields)
    curve(values; options...) = (data = (wire.fields[order], values[order]), attributes = (; subplot = 1, options...))
    length, width = size(wire)
    [curve(r.problem.target; label = "target", seriestype = :scatter),
     curve(open_modes(wire); label = "open modes", seriestype = :steppre),
     curve(r.conductance; label = "found", xguide = "field φ = πBa²/φ₀", yguide = "conductance G (e²/h)"),
     (data = (0:length-1, 0:width-1, permutedims(r.onsite)),
      attributes = (subplot = 2, seriestype = :heatmap, xguide = "x (a)", yguide = "y (a)", title = "on-site energy (t)",
                    aspect_ratio = :equal)),
     (data = (r.history["evaluations"], r.history["objective"]),
      attributes = (subplot = 3, label = "objective", xguide = "evaluations", yguide = "L"))]
end
