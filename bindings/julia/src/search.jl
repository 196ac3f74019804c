# Searches: from a curve to a potential. They run on the library's threads; Julia only looks on.

"""
How far a search is; what a callback receives after iterations. `start` of `starts` is being worked on; `evaluations` are of the
engine, all starts together; `step`, `gradient`, `damping` are those of the optimizer; `roughness` is L_pot in `smooth`, else NaN.
"""
struct Progress
    size::Csize_t
    state::Int32
    start::Int32
    starts::Int32
    reserved::Int32
    iteration::Int64
    evaluations::Int64
    objective::Float64
    best_objective::Float64
    step::Float64
    gradient::Float64
    damping::Float64
    seconds::Float64
    roughness::Float64
end

"What the library calls back into: the caller's function, and what it threw, which must not cross the library."
mutable struct Forward
    callback::Any
    thrown::Any
end

function forward(progress::Ptr{Progress}, user::Ptr{Cvoid})
    f = unsafe_pointer_to_objref(user)::Forward
    try
        f.callback(unsafe_load(progress))
        return Cint(0)
    catch e
        f.thrown = (e, catch_backtrace())
        return Cint(1)
    end
end

"""
    design(problem; method="lm", max_evaluations=1000, tolerance=nothing, seed=0, checkpoint=nothing, progress=isinteractive(),
           stop_objective=nothing, gradient_tolerance=nothing, stall=nothing, max_iterations=0, time_limit=0.0, starts=1,
           spread=0.3, distinct=1e-3, learning_rate=nothing, schedule=nothing, checkpoint_interval=10.0, callback=nothing)

Finds the parameters whose conductance comes closest to the target; returns a `Result`.

- `method`: "lm" (Levenberg–Marquardt, by far the fewest evaluations), "lbfgs", "rmsprop", "adabelief", "adam"
- `max_evaluations`, `max_iterations`, `time_limit` (seconds): when to stop, 0 for no limit
- `tolerance`: stop once a step is shorter than tolerance · (norm of the parameters + tolerance)
- `stop_objective`, `gradient_tolerance`, `stall = (iterations, fall)`: stop by the objective and its gradient
- `starts`, `spread`, `distinct`: the first start is the problem's own, the others are random around it; on a GPU they are
  searched side by side, and evaluations are dealt to them evenly
- `learning_rate`, `schedule`: of the first-order methods; a schedule is `[(step, factor), ...]` or a name
- `checkpoint`: a .mcd file that `resume` continues bit for bit, written every `checkpoint_interval` seconds
- `callback(::Progress)`: called after iterations; an exception in it stops the search and is thrown

An InterruptException ends the search early: then too the best point so far is returned, with the status "cancelled"; it is thrown
if nothing has been evaluated yet.
"""
function design(problem::Problem; method="lm", max_evaluations=1000, tolerance=nothing, seed=0, checkpoint=nothing,
                progress=isinteractive(), stop_objective=nothing, gradient_tolerance=nothing, stall=nothing, max_iterations=0,
                time_limit=0.0, starts=1, spread=0.3, distinct=1e-3, learning_rate=nothing, schedule=nothing,
                checkpoint_interval=10.0, callback=nothing)
    h = problem.handle
    job = create(p -> @ccall libmcd.mcd_job_create_design(h::UInt64, p::Ptr{UInt64})::Cint)
    check(@ccall libmcd.mcd_job_set_method(job::UInt64, method::Cstring)::Cint)
    learning_rate === nothing || check(@ccall libmcd.mcd_job_set_learning_rate(job::UInt64, learning_rate::Float64)::Cint)
    schedule === nothing || set_schedule!(job, schedule)
    if stall !== nothing
        stall isa Tuple{Real,Real} || throw(ArgumentError("stall: $(repr(stall)); give (iterations, fall)"))
        iterations, fall = whole(stall[1], "stall"), Float64(stall[2])
        check(@ccall libmcd.mcd_job_set_stall(job::UInt64, iterations::Int64, fall::Float64)::Cint)
    end
    check(@ccall libmcd.mcd_job_set_max_iterations(job::UInt64, whole(max_iterations, "max_iterations")::Int64)::Cint)
    check(@ccall libmcd.mcd_job_set_starts(job::UInt64, whole(starts, "starts")::Int64, real_number(spread, "spread")::Float64)::Cint)
    check(@ccall libmcd.mcd_job_set_distinct(job::UInt64, real_number(distinct, "distinct")::Float64)::Cint)
    limits!(job; max_evaluations=max_evaluations, tolerance=tolerance, gradient_tolerance=gradient_tolerance,
            stop_objective=stop_objective, time_limit=time_limit, seed=seed, checkpoint=checkpoint,
            checkpoint_interval=checkpoint_interval)
    run!(job, progress, callback)
end

"""
    find_defect(wire, target; count=1, sigma=nothing, seed=0, max_evaluations=nothing, checkpoint=nothing, ...)

Finds the Gaussian defects in an otherwise clean wire that explain a curve, from many starts; `sigma` is the standard deviation
of the target's noise for the error bars (default: estimated from the misfit). The other options are those of `design`. The
curve of a single defect does not depend on its x, and is the same for the mirror image in y.
"""
function find_defect(wire::Wire, target; count=1, sigma=nothing, seed=0, max_evaluations=nothing, checkpoint=nothing,
                     progress=isinteractive(), stop_objective=nothing, time_limit=0.0, checkpoint_interval=10.0,
                     callback=nothing)
    h, t, s = wire.handle, memory(target, (length(wire),), "target"), sigma === nothing ? 0.0 : real_number(sigma, "sigma")
    defects = whole(count, "count")
    job = create(p -> @ccall libmcd.mcd_job_create_defect(h::UInt64, t::Ptr{Float64}, length(t)::Csize_t, defects::Int64,
                                                          s::Float64, p::Ptr{UInt64})::Cint)
    limits!(job; max_evaluations=max_evaluations, stop_objective=stop_objective, time_limit=time_limit, seed=seed,
            checkpoint=checkpoint, checkpoint_interval=checkpoint_interval)
    run!(job, progress, callback)
end

"""
    find_defect(device, target; curves=[(2, 1)], count=1, sigma=nothing, ...)

The same in a device with positions in one or two dimensions; targets are those of `Problem`. Where side leads break the symmetry
along the wire the place along it is found too.
"""
function find_defect(device::Device, target; curves=[(2, 1)], count=1, sigma=nothing, max_evaluations=nothing, checkpoint=nothing,
                     progress=isinteractive(), time_limit=0.0, checkpoint_interval=10.0, callback=nothing)
    problem = Problem(device, target; curves=curves)
    h, s, defects = problem.handle, sigma === nothing ? 0.0 : real_number(sigma, "sigma"), whole(count, "count")
    job = create(p -> @ccall libmcd.mcd_job_create_locate(h::UInt64, defects::Int64, s::Float64, p::Ptr{UInt64})::Cint)
    limits!(job; max_evaluations=max_evaluations, time_limit=time_limit, checkpoint=checkpoint,
            checkpoint_interval=checkpoint_interval)
    run!(job, progress, callback)
end

"""
    smooth(problem; level=-3.0, max_evaluations=300, checkpoint=nothing, progress=isinteractive(), time_limit=0.0, callback=nothing)

Finds the smoothest potential that keeps the curve: the least sum of the squared differences of neighbouring sites with
L ≤ level, from the start of a problem by sites without bounds, frozen sites, ties, mirror or filter, or from the potential of a
`Result`. It may be far from the start: where more than about 200 evaluations allow it, long waves on a raised floor are compared
with it first, on a third of the wire's points. The `history` of the result, which leaves them out, has "roughness".
"""
function smooth(problem::Union{Problem,Result}; level=-3.0, max_evaluations=300, checkpoint=nothing, progress=isinteractive(),
                time_limit=0.0, callback=nothing)
    started = from_start(problem)
    h, level = started.handle, real_number(level, "level")
    job = create(p -> @ccall libmcd.mcd_job_create_smooth(h::UInt64, level::Float64, p::Ptr{UInt64})::Cint)
    limits!(job; max_evaluations=max_evaluations, time_limit=time_limit, checkpoint=checkpoint)
    run!(job, progress, callback)
end

"""
    quantize(problem, step; origin=0.0, max_evaluations=300, checkpoint=nothing, progress=isinteractive(), time_limit=0.0,
             callback=nothing)

Moves the parameters of a problem by sites or gates from their start, or the sites of a `Result`, to allowed values, `origin` +
multiples of `step`, such that the curve suffers least.
"""
function quantize(problem::Union{Problem,Result}, step; origin=0.0, max_evaluations=300, checkpoint=nothing,
                  progress=isinteractive(), time_limit=0.0, callback=nothing)
    started = from_start(problem)
    h, step, origin = started.handle, real_number(step, "step"), real_number(origin, "origin")
    job = create(p -> @ccall libmcd.mcd_job_create_quantize(h::UInt64, step::Float64, origin::Float64, p::Ptr{UInt64})::Cint)
    limits!(job; max_evaluations=max_evaluations, time_limit=time_limit, checkpoint=checkpoint)
    run!(job, progress, callback)
end

"The problem; of a result that of its wire, whose free sites start from its potential."
from_start(problem::Problem) = problem
from_start(r::Result) = Problem(r.problem.wire, r.problem.target, Sites(r.onsite); weights=r.problem.weights, curves_of_device(r)...)
curves_of_device(r::Result) = r.problem.wire isa Device ? (curves = r.problem.curves,) : NamedTuple()

"""
    resume(path; max_evaluations, stop_objective, time_limit, checkpoint, progress, callback)

Continues the search saved in a .mcd file (a checkpoint or a result) bit for bit, with its settings, or with new limits.
"""
function resume(path::AbstractString; max_evaluations=nothing, stop_objective=nothing, time_limit=nothing, checkpoint=nothing,
                checkpoint_interval=10.0, progress=isinteractive(), callback=nothing)
    job = create(p -> @ccall libmcd.mcd_job_create_resume(path::Cstring, p::Ptr{UInt64})::Cint)
    limits!(job; max_evaluations=max_evaluations, stop_objective=stop_objective, time_limit=time_limit, checkpoint=checkpoint,
            checkpoint_interval=checkpoint_interval)
    run!(job, progress, callback)
end

"The settings that all searches share; `nothing` leaves the library's default, or that of the file."
function limits!(job::Handle; max_evaluations=nothing, tolerance=nothing, gradient_tolerance=nothing, stop_objective=nothing,
                 time_limit=nothing, seed=nothing, checkpoint=nothing, checkpoint_interval=10.0)
    max_evaluations === nothing ||
        check(@ccall libmcd.mcd_job_set_max_evaluations(job::UInt64, whole(max_evaluations, "max_evaluations")::Int64)::Cint)
    tolerance === nothing ||
        check(@ccall libmcd.mcd_job_set_step_tolerance(job::UInt64, real_number(tolerance, "tolerance")::Float64)::Cint)
    gradient_tolerance === nothing || check(@ccall libmcd.mcd_job_set_gradient_tolerance(
        job::UInt64, real_number(gradient_tolerance, "gradient_tolerance")::Float64)::Cint)
    stop_objective === nothing || check(@ccall libmcd.mcd_job_set_stop_objective(
        job::UInt64, real_number(stop_objective, "stop_objective")::Float64)::Cint)
    time_limit === nothing ||
        check(@ccall libmcd.mcd_job_set_time_limit(job::UInt64, real_number(time_limit, "time_limit")::Float64)::Cint)
    if seed !== nothing
        seed isa Integer && 0 <= seed <= typemax(UInt64) || throw(ArgumentError("seed: $seed; give a whole number from 0 up"))
        check(@ccall libmcd.mcd_job_set_seed(job::UInt64, seed::UInt64)::Cint)
    end
    checkpoint === nothing ||
        check(@ccall libmcd.mcd_job_set_checkpoint(job::UInt64, checkpoint::Cstring, real_number(checkpoint_interval, "checkpoint_interval")::Float64)::Cint)
end

function set_schedule!(job::Handle, schedule::AbstractString)
    check(@ccall libmcd.mcd_job_set_named_schedule(job::UInt64, schedule::Cstring)::Cint)
end
function set_schedule!(job::Handle, schedule)
    schedule isa AbstractVector && all(p -> p isa Union{Tuple{Real,Real},Pair{<:Real,<:Real}}, schedule) ||
        throw(ArgumentError("schedule: $(repr(schedule)); give a name or [(step, factor), ...]"))
    steps, factors = Int64[whole(s, "schedule") for (s, _) in schedule], Float64[f for (_, f) in schedule]
    n = length(steps)
    check(@ccall libmcd.mcd_job_set_schedule(job::UInt64, steps::Ptr{Int64}, n::Csize_t, factors::Ptr{Float64}, n::Csize_t)::Cint)
end

const WATCH = 0.05 # seconds of one wait

"Waits at most `seconds` while callbacks are forwarded; an interrupt is thrown only after it, outside the library."
function wait_a_while(job::Handle, seconds, watcher)
    disable_sigint() do
        watcher === nothing &&
            return @ccall libmcd.mcd_job_wait(job::UInt64, seconds::Float64, C_NULL::Ptr{Cvoid}, C_NULL::Ptr{Cvoid})::Cint
        f = @cfunction(forward, Cint, (Ptr{Progress}, Ptr{Cvoid}))
        GC.@preserve watcher @ccall libmcd.mcd_job_wait(job::UInt64, seconds::Float64, f::Ptr{Cvoid},
                                                        pointer_from_objref(watcher)::Ptr{Cvoid})::Cint
    end
end

"Starts a job and looks on until it ends; an exception meanwhile ends it."
function run!(job::Handle, progress::Bool, callback)
    watcher = callback === nothing ? nothing : Forward(callback, nothing)
    check(@ccall libmcd.mcd_job_start(job::UInt64)::Cint)
    try
        while wait_a_while(job, WATCH, watcher) == TIMEOUT
            progress && show_progress(job)
        end
    catch e
        @ccall libmcd.mcd_job_cancel(job::UInt64)::Cint
        ended = TIMEOUT
        while ended == TIMEOUT
            ended = wait_a_while(job, WATCH, nothing)
        end
        e isa InterruptException && ended != ERR_CANCELLED || rethrow()
    end
    progress && (show_progress(job); println(stderr))
    status = wait_a_while(job, 0.0, nothing)
    if watcher !== nothing && watcher.thrown !== nothing
        wait_a_while(job, -1.0, nothing)
        throw(watcher.thrown[1])
    end
    check(status)
    Result(create(p -> @ccall libmcd.mcd_job_result(job::UInt64, p::Ptr{UInt64})::Cint))
end

function snapshot(job::Handle)
    p = Ref(Progress(sizeof(Progress), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
    check(@ccall libmcd.mcd_job_progress(job::UInt64, p::Ptr{Progress})::Cint)
    p[]
end

function show_progress(job::Handle)
    now = snapshot(job)
    start = now.starts > 1 ? "start $(now.start + 1)/$(now.starts), " : ""
    rough = isnan(now.roughness) ? "" : ", L_pot = $(round(now.roughness, sigdigits=4))"
    print(stderr, "\r\e[K", start, now.evaluations, " evaluations, L = ", round(now.best_objective, digits=3), rough, ", ",
          round(now.seconds, digits=1), " s")
end

"    close(x)\n\nFrees what a wire, device, problem or result holds in the library at once, instead of when the garbage collector finds it."
Base.close(x::Union{Wire,Device,Problem,Result}) = close(x.handle)
