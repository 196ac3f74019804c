# The library: loading, handles, statuses turned into exceptions, scalars and texts.

"Resolved by its SONAME to what `open_library` has loaded."
const libmcd = "libmcd.so.1"

"The library named by the environment variable MCD_LIBRARY, else the package's artifact, else a checkout's build, else the system's."
function open_library()
    nearby = [artifact()..., normpath(joinpath(@__DIR__, "..", "..", "..", "build", libmcd))]
    index = findfirst(isfile, nearby)
    path = get(ENV, "MCD_LIBRARY", index === nothing ? libmcd : nearby[index])
    try
        dlopen(path)
    catch e
        error("MCD needs its library libmcd.so.1 (Linux with glibc): install it, or set the environment variable MCD_LIBRARY ",
              "to its path. ", sprint(showerror, e))
    end
end

"Where Pkg puts the library that the package's Artifacts.toml names by its contents, if there is one."
function artifact()
    file = joinpath(@__DIR__, "..", "Artifacts.toml")
    tree = isfile(file) ? match(r"git-tree-sha1 *= *\"([0-9a-f]{40})\"", read(file, String)) : nothing
    tree === nothing ? String[] : [joinpath(depot, "artifacts", tree[1], "lib", libmcd) for depot in DEPOT_PATH]
end

"""
    MCD.Error

Something that mcd could not do: `message` names the argument, its value and the remedy, `status` is the library's. The type
`MCD.Error{status}` has a name for each status, so that one kind can be told from others: `e isa MCD.ArgumentError`.
"""
struct Error{Status} <: Exception
    message::String
end

Base.getproperty(e::Error{S}, name::Symbol) where {S} = name === :status ? S : getfield(e, name)
Base.propertynames(::Error) = (:status, :message)
Base.showerror(io::IO, e::Error) = print(io, "MCD: ", e.message)

"A wrong argument."
const ArgumentError = Error{-1}
"An object that has been freed."
const HandleError = Error{-2}
"The memory needed, stated in the message, is over the limit or was refused; nothing was changed."
const MemoryLimitError = Error{-4}
"The work was stopped by its caller."
const CancelledError = Error{-5}
"A file or buffer that cannot be read or written, or is damaged."
const FileError = Error{-6}
"The arithmetic could not reach the promised accuracy."
const NumericalError = Error{-7}
"Something that this build or machine does not have."
const UnsupportedError = Error{-8}
"A call that comes too early or too late."
const StateError = Error{-9}
"A call in a child made by fork."
const ForkedError = Error{-10}
"A defect of mcd: please report the message."
const InternalError = Error{-11}

const TIMEOUT = 1
const ERR_SIZE = -3
const ERR_CANCELLED = -5

"Throws the exception of a negative status, with the library's message."
check(status::Integer) = status < 0 ? throw(Error{Int(status)}(last_error())) : status
last_error() = unsafe_string(@ccall libmcd.mcd_last_error()::Cstring)

"Owns one handle of the library and frees it when the garbage collector finds it, or at `close`."
mutable struct Handle
    value::UInt64
    Handle(value) = finalizer(close, new(value))
end

Base.close(h::Handle) = (h.value == 0 || @ccall libmcd.mcd_free(h.value::UInt64)::Cint; h.value = 0; nothing)
Base.cconvert(::Type{UInt64}, h::Handle) = h
Base.unsafe_convert(::Type{UInt64}, h::Handle) = h.value

"The scalar that `call(pointer)` writes."
function get_scalar(::Type{T}, call) where {T}
    value = Ref{T}(zero(T))
    GC.@preserve value check(call(Base.unsafe_convert(Ptr{T}, value)))
    value[]
end

"The new handle that `call(pointer)` writes."
create(call) = Handle(get_scalar(UInt64, call))

"What a getter ending in (out, count, needed) has to say; it may grow between the calls, as histories do."
function growing(::Type{T}, call) where {T}
    needed = Ref{Csize_t}(0)
    check(call(Ptr{T}(0), 0, needed))
    while true
        out = Vector{T}(undef, needed[])
        status = call(out, length(out), needed)
        status == ERR_SIZE && needed[] > length(out) && continue
        check(status)
        return resize!(out, needed[])
    end
end

"The same for texts, whose last byte is NUL."
text(call) = String(growing(UInt8, call)[1:end-1])

# ------------------------------------------------------------------------------------------------------------ interrupts

const POLL = 0.002 # seconds between two looks at pending interrupts

"""
A function of the library, its arguments (numbers and pointers) and room for its status and message, as another thread finds
them: messages are kept apart for every thread, and so are copied by the one that made the call.
"""
struct Work{A<:Tuple}
    f::Ptr{Cvoid}
    last_error::Ptr{Cvoid}
    message::Ptr{UInt8}
    arguments::A
    status::Cint
end

const PENDING = typemax(Cint)  # no status
const MESSAGE = 1024           # bytes of a message

"Makes the call. Runs on a thread that Julia need not know: plain machine code, no allocation."
@generated function perform(p::Ptr{Work{A}}) where {A}
    arguments = [:(w.arguments[$i]) for i in 1:length(A.parameters)]
    quote
        w = unsafe_load(p)
        $(VERSION >= v"1.9" ? :(gc = ccall(:jl_gc_safe_enter, Int8, ())) : nothing)
        status = ccall(w.f, Cint, ($(A.parameters...),), $(arguments...))
        status < 0 && ccall(:strncpy, Ptr{UInt8}, (Ptr{UInt8}, Ptr{UInt8}, Csize_t), w.message,
                            ccall(w.last_error, Ptr{UInt8}, ()), MESSAGE - 1)
        $(VERSION >= v"1.9" ? :(ccall(:jl_gc_safe_leave, Cvoid, (Int8,), gc)) : nothing)
        unsafe_store!(convert(Ptr{Cint}, p + $(Int(fieldoffset(Work{A}, 5)))), status)
        return nothing
    end
end
@generated entry(::Type{A}) where {A} = :(@cfunction(perform, Cvoid, (Ptr{Work{$A}},)))

address(name::Symbol) = dlsym(dlopen(libmcd), name)
plain(a::Array) = pointer(a)
plain(r::Ref{T}) where {T} = Base.unsafe_convert(Ptr{T}, r)
plain(n::Union{Integer,Float64,Ptr}) = n

"Calls a function of the library on this thread."
function direct(name::Symbol, arguments...)
    GC.@preserve arguments check(invoke_plain(address(name), map(plain, arguments)))
end
@generated invoke_plain(f::Ptr{Cvoid}, a::A) where {A<:Tuple} =
    :(ccall(f, Cint, ($(A.parameters...),), $((:(a[$i]) for i in 1:length(A.parameters))...)))

"""
Calls a function of the library on a thread of its own, so that an interrupt is noticed: it calls cancel(), and is thrown once
the call has ended.
"""
function interruptible(cancel, name::Symbol, arguments...)
    given = map(plain, arguments)
    A, message, thread = typeof(given), zeros(UInt8, MESSAGE), Ref{Csize_t}(0)
    work = Ref(Work{A}(address(name), address(:mcd_last_error), pointer(message), given, PENDING))
    GC.@preserve arguments message work disable_sigint() do
        p = Base.unsafe_convert(Ptr{Work{A}}, work)
        @ccall(uv_thread_create(thread::Ptr{Csize_t}, entry(A)::Ptr{Cvoid}, p::Ptr{Cvoid})::Cint) == 0 ||
            throw(MemoryLimitError("no thread could be started: raise the limit of threads"))
        try
            while unsafe_load(p).status == PENDING
                reenable_sigint(() -> Libc.systemsleep(POLL))
                GC.safepoint() # no other thread waits for this one to collect garbage
            end
        catch
            cancel()
            rethrow()
        finally
            @ccall uv_thread_join(thread::Ptr{Csize_t})::Cint
        end
    end
    status = work[].status
    status < 0 ? throw(Error{Int(status)}(unsafe_string(pointer(message)))) : status
end
