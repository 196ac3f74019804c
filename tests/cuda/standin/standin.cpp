// A stand-in for the CUDA driver, libcuda.so.1: it runs the kernels' own source by their emulation on the CPU and checks what a
// driver would not: that a context is current, that copies stay inside allocations, that kernels leave the zones around them
// alone, that shared memory above 48 KiB is asked for, that entries are in the PTX, that nothing leaks. Streams are lazy:
// work is done when it is waited for, so that results read or arguments overwritten too early are wrong.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include <cuda.h>

#include "emulate.h"

#define API extern "C" __attribute__((visibility("default")))

namespace {

std::recursive_mutex mutex;
long calls, fail_at;
CUresult fail_with = CUDA_ERROR_UNKNOWN, lost = CUDA_SUCCESS;
bool fail_always, fail_sticks;
size_t memory = size_t(1) << 32;
int most_shared = 227 << 10; // bytes of shared memory that a block may ask for
std::string complaint; // the first rule that was broken

const size_t zone = 256; // bytes before and after every allocation

struct Block {
    unsigned char *base;
    size_t bytes;
};
std::map<CUdeviceptr, Block> device_blocks;
std::map<char *, size_t> pinned_blocks;
size_t used;

struct Work {
    std::function<CUresult()> run;
};
using Queue = std::deque<Work>;

} // namespace

struct CUctx_st {};
struct CUfunc_st {
    std::string name;
    int shared = 48 << 10;
};
struct CUmod_st {
    std::set<std::string> entries;
    std::map<std::string, CUfunc_st> functions; // a name has one handle, however often it is asked for
};
struct CUstream_st {
    Queue queue;
    bool capturing = false;
    Queue captured;
};
struct CUevent_st {
    std::chrono::steady_clock::time_point at;
};
struct CUgraph_st {
    Queue work;
};
struct CUgraphExec_st {
    Queue work;
};

namespace {

CUctx_st primary, foreign;
int retained;
thread_local std::vector<CUcontext> stack;
thread_local bool recording; // a stream captures the thread's calls
std::set<CUmodule> modules;
std::set<CUstream> streams;
std::set<CUevent> events;
std::set<CUgraph> graphs;
std::set<CUgraphExec> executables;

CUresult complain(const std::string &what) {
    if (complaint.empty()) complaint = what;
    return CUDA_ERROR_INVALID_VALUE;
}

// Every entry begins with this: it counts the call and lets it fail if that was asked for.
CUresult enter(bool may_fail = true) {
    ++calls;
    if (lost != CUDA_SUCCESS && may_fail) return lost;
    if (may_fail && fail_at > 0 && (fail_always ? calls % fail_at == 0 : calls == fail_at)) {
        if (fail_sticks) lost = fail_with;
        return fail_with;
    }
    return CUDA_SUCCESS;
}

bool current() { return !stack.empty() && stack.back() == &primary; }

#define ENTER() \
    std::lock_guard<std::recursive_mutex> guard(mutex); \
    if (CUresult r = enter()) return r
#define ENTER_CONTEXT() \
    ENTER(); \
    if (!current()) return complain(std::string(__func__) + " without the primary context"), CUDA_ERROR_INVALID_CONTEXT
// For what invalidates a capture of the thread's calls.
#define ENTER_IDLE() \
    ENTER_CONTEXT(); \
    if (recording) return complain(std::string(__func__) + " while launches are recorded"), CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED
#define LEAVE() \
    std::lock_guard<std::recursive_mutex> guard(mutex); \
    enter(false)

// Whether bytes from p on lie inside one allocation.
bool inside(CUdeviceptr p, size_t bytes) {
    auto it = device_blocks.upper_bound(p);
    if (it == device_blocks.begin()) return false;
    --it;
    return p + bytes <= it->first + it->second.bytes;
}

bool pinned(const void *p, size_t bytes) {
    auto it = pinned_blocks.upper_bound((char *)p);
    if (it == pinned_blocks.begin()) return false;
    --it;
    return (char *)p + bytes <= it->first + it->second;
}

CUresult submit(CUstream stream, std::function<CUresult()> run) {
    if (!streams.count(stream)) return complain("work on a stream that does not exist");
    (stream->capturing ? stream->captured : stream->queue).push_back({std::move(run)});
    return CUDA_SUCCESS;
}

CUresult drain(CUstream stream, bool one) {
    while (!stream->queue.empty()) {
        Work work = std::move(stream->queue.front());
        stream->queue.pop_front();
        if (CUresult r = work.run()) {
            stream->queue.clear();
            return lost = r;
        }
        if (one) return stream->queue.empty() ? CUDA_SUCCESS : CUDA_ERROR_NOT_READY;
    }
    return CUDA_SUCCESS;
}

// Freeing memory waits for everything under way, as with a driver.
void settle() {
    for (CUstream stream : streams) drain(stream, false);
}

bool intact(const Block &b) {
    auto whole = [](const unsigned char *p) { return std::all_of(p, p + zone, [](unsigned char c) { return c == 0xa5; }); };
    return whole(b.base) && whole(b.base + zone + b.bytes);
}

} // namespace

// What tests ask and set.
API void standin_fail(long at, int code, int always, int sticks) {
    calls = 0, fail_at = at, fail_with = (CUresult)code, fail_always = always, fail_sticks = sticks, lost = CUDA_SUCCESS;
}
API long standin_calls() { return calls; }
API void standin_memory(size_t bytes) { memory = bytes; }
API void standin_shared(int bytes) { most_shared = bytes; }
API size_t standin_used() { return used; }
API const char *standin_complaint() { return complaint.c_str(); }
// Everything that has not been given back.
API long standin_live() {
    return long(device_blocks.size() + pinned_blocks.size() + modules.size() + streams.size() + events.size() + graphs.size() +
                executables.size()) + retained;
}
// The host's own context, as another library would have it: push it, look whether it is still there.
API void standin_push_foreign() { stack.push_back(&foreign); }
API int standin_foreign_is_current() { return stack.size() == 1 && stack.back() == &foreign; }
API void standin_order(int order, unsigned long long seed) { mcd_emulate_order(order, seed); }

API CUresult cuInit(unsigned) { return CUDA_SUCCESS; }
API CUresult cuDriverGetVersion(int *version) {
    ENTER();
    *version = 12040;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGetCount(int *count) {
    ENTER();
    *count = 1;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGet(CUdevice *device, int ordinal) {
    ENTER();
    if (ordinal != 0) return CUDA_ERROR_INVALID_DEVICE;
    *device = 0;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGetName(char *name, int length, CUdevice) {
    ENTER();
    snprintf(name, size_t(length), "Stand-in");
    return CUDA_SUCCESS;
}
API CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice) {
    ENTER();
    *bytes = memory;
    return CUDA_SUCCESS;
}
API CUresult cuDeviceGetAttribute(int *value, CUdevice_attribute attribute, CUdevice) {
    ENTER();
    switch (attribute) {
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR: *value = 9; break;
    case CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR: *value = 0; break;
    case CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT: *value = 4; break;
    case CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *value = most_shared; break;
    default: return complain("an attribute that the stand-in does not know");
    }
    return CUDA_SUCCESS;
}
API CUresult cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice) {
    ENTER();
    ++retained;
    *context = &primary;
    return CUDA_SUCCESS;
}
API CUresult cuDevicePrimaryCtxRelease_v2(CUdevice) {
    LEAVE();
    if (retained == 0) return complain("the primary context is released too often");
    --retained;
    return CUDA_SUCCESS;
}
API CUresult cuCtxPushCurrent_v2(CUcontext context) {
    ENTER();
    if (context != &primary || retained == 0) return complain("a context is pushed that is not retained");
    stack.push_back(context);
    return CUDA_SUCCESS;
}
API CUresult cuCtxPopCurrent_v2(CUcontext *context) {
    LEAVE();
    if (stack.empty()) return CUDA_ERROR_INVALID_CONTEXT;
    *context = stack.back();
    stack.pop_back();
    return CUDA_SUCCESS;
}

API CUresult cuModuleLoadDataEx(CUmodule *module, const void *image, unsigned count, CUjit_option *options, void **values) {
    ENTER_IDLE();
    if (count != 2 || options[0] != CU_JIT_ERROR_LOG_BUFFER || options[1] != CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES) return complain("odd options of a module");
    memset(values[0], 0, (size_t)values[1]);
    std::unique_ptr<CUmod_st> m(new CUmod_st);
    std::string text((const char *)image);
    const std::string mark = ".entry ";
    for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
        size_t begin = at + mark.size();
        m->entries.insert(text.substr(begin, text.find_first_of("( \n", begin) - begin));
    }
    if (m->entries.empty()) return snprintf((char *)values[0], (size_t)values[1], "no entries"), CUDA_ERROR_INVALID_PTX;
    modules.insert(*module = m.release());
    return CUDA_SUCCESS;
}
API CUresult cuModuleUnload(CUmodule module) {
    LEAVE();
    if (!modules.erase(module)) return complain("a module is unloaded that is not loaded");
    delete module;
    return CUDA_SUCCESS;
}
API CUresult cuModuleGetFunction(CUfunction *function, CUmodule module, const char *name) {
    ENTER_CONTEXT();
    if (!module->entries.count(name)) return CUDA_ERROR_NOT_FOUND;
    *function = &module->functions[name];
    (*function)->name = name;
    return CUDA_SUCCESS;
}
API CUresult cuFuncSetAttribute(CUfunction function, CUfunction_attribute attribute, int value) {
    ENTER_CONTEXT();
    if (attribute != CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES || value > most_shared) return CUDA_ERROR_INVALID_VALUE;
    function->shared = value;
    return CUDA_SUCCESS;
}
API CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(int *blocks, CUfunction, int, size_t) {
    ENTER_CONTEXT();
    *blocks = 2;
    return CUDA_SUCCESS;
}

API CUresult cuMemGetInfo_v2(size_t *available, size_t *total) {
    ENTER_IDLE();
    *available = memory - std::min(memory, used), *total = memory;
    return CUDA_SUCCESS;
}
API CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes) {
    ENTER_IDLE();
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    if (used + bytes > memory) return CUDA_ERROR_OUT_OF_MEMORY;
    void *base = nullptr;
    if (posix_memalign(&base, 256, bytes + 2 * zone) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(base, 0xa5, bytes + 2 * zone);
    memset((char *)base + zone, 0xff, bytes); // every double is NaN
    *pointer = (CUdeviceptr)base + zone;
    device_blocks[*pointer] = {(unsigned char *)base, bytes};
    used += bytes;
    return CUDA_SUCCESS;
}
API CUresult cuMemFree_v2(CUdeviceptr pointer) {
    LEAVE();
    if (recording) return complain(std::string(__func__) + " while launches are recorded");
    settle();
    auto it = device_blocks.find(pointer);
    if (it == device_blocks.end()) return complain("memory is freed that is not allocated");
    if (!intact(it->second)) complain("memory around an allocation was overwritten");
    used -= it->second.bytes;
    free(it->second.base);
    device_blocks.erase(it);
    return CUDA_SUCCESS;
}
API CUresult cuMemHostAlloc(void **pointer, size_t bytes, unsigned) {
    ENTER_IDLE();
    if (posix_memalign(pointer, 4096, bytes) != 0) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(*pointer, 0xff, bytes);
    pinned_blocks[(char *)*pointer] = bytes;
    return CUDA_SUCCESS;
}
API CUresult cuMemFreeHost(void *pointer) {
    LEAVE();
    if (recording) return complain(std::string(__func__) + " while launches are recorded");
    settle();
    if (!pinned_blocks.erase((char *)pointer)) return complain("pinned memory is freed that is not allocated");
    free(pointer);
    return CUDA_SUCCESS;
}

API CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    ENTER_CONTEXT();
    if (!inside(to, bytes) || !pinned(from, bytes)) return complain("a copy to the device leaves its allocation");
    return submit(stream, [=] { memcpy((void *)to, from, bytes); return CUDA_SUCCESS; });
}
API CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    ENTER_CONTEXT();
    if (!inside(from, bytes) || !pinned(to, bytes)) return complain("a copy from the device leaves its allocation");
    return submit(stream, [=] { memcpy(to, (const void *)from, bytes); return CUDA_SUCCESS; });
}
API CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from, size_t bytes, CUstream stream) {
    ENTER_CONTEXT();
    if (!inside(from, bytes) || !inside(to, bytes)) return complain("a copy on the device leaves its allocation");
    return submit(stream, [=] { memmove((void *)to, (const void *)from, bytes); return CUDA_SUCCESS; });
}
API CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, size_t bytes, CUstream stream) {
    ENTER_CONTEXT();
    if (!inside(to, bytes)) return complain("clearing leaves its allocation");
    return submit(stream, [=] { memset((void *)to, value, bytes); return CUDA_SUCCESS; });
}

API CUresult cuStreamCreate(CUstream *stream, unsigned) {
    ENTER_IDLE();
    streams.insert(*stream = new CUstream_st);
    return CUDA_SUCCESS;
}
API CUresult cuStreamDestroy_v2(CUstream stream) {
    LEAVE();
    if (!streams.erase(stream)) return complain("a stream is destroyed that does not exist");
    delete stream;
    return CUDA_SUCCESS;
}
API CUresult cuStreamQuery(CUstream stream) {
    ENTER_IDLE();
    return drain(stream, true);
}
API CUresult cuStreamSynchronize(CUstream stream) {
    ENTER_IDLE();
    return drain(stream, false);
}
API CUresult cuStreamBeginCapture_v2(CUstream stream, CUstreamCaptureMode) {
    ENTER_IDLE();
    if (stream->capturing) return CUDA_ERROR_ILLEGAL_STATE;
    recording = stream->capturing = true;
    return CUDA_SUCCESS;
}
API CUresult cuStreamEndCapture(CUstream stream, CUgraph *graph) {
    LEAVE();
    if (!stream->capturing) return CUDA_ERROR_ILLEGAL_STATE;
    recording = stream->capturing = false;
    graphs.insert(*graph = new CUgraph_st{std::move(stream->captured)});
    stream->captured.clear();
    return CUDA_SUCCESS;
}
API CUresult cuGraphInstantiateWithFlags(CUgraphExec *executable, CUgraph graph, unsigned long long) {
    ENTER_IDLE();
    executables.insert(*executable = new CUgraphExec_st{graph->work});
    return CUDA_SUCCESS;
}
API CUresult cuGraphDestroy(CUgraph graph) {
    LEAVE();
    if (!graphs.erase(graph)) return complain("a graph is destroyed that does not exist");
    delete graph;
    return CUDA_SUCCESS;
}
API CUresult cuGraphLaunch(CUgraphExec executable, CUstream stream) {
    ENTER_CONTEXT();
    if (!executables.count(executable)) return complain("a graph is launched that does not exist");
    for (const Work &work : executable->work)
        if (CUresult r = submit(stream, work.run)) return r;
    return CUDA_SUCCESS;
}
API CUresult cuGraphExecDestroy(CUgraphExec executable) {
    LEAVE();
    if (!executables.erase(executable)) return complain("an executable graph is destroyed that does not exist");
    delete executable;
    return CUDA_SUCCESS;
}
API CUresult cuEventCreate(CUevent *event, unsigned) {
    ENTER_IDLE();
    events.insert(*event = new CUevent_st);
    return CUDA_SUCCESS;
}
API CUresult cuEventDestroy_v2(CUevent event) {
    LEAVE();
    if (!events.erase(event)) return complain("an event is destroyed that does not exist");
    delete event;
    return CUDA_SUCCESS;
}
API CUresult cuEventRecord(CUevent event, CUstream stream) {
    ENTER_CONTEXT();
    return submit(stream, [=] { event->at = std::chrono::steady_clock::now(); return CUDA_SUCCESS; });
}
API CUresult cuEventElapsedTime(float *milliseconds, CUevent begin, CUevent end) {
    ENTER_CONTEXT();
    *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
    return CUDA_SUCCESS;
}

API CUresult cuLaunchKernel(CUfunction function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x,
                            unsigned block_y, unsigned block_z, unsigned shared, CUstream stream, void **parameters, void **) {
    ENTER_CONTEXT();
    CUdeviceptr args = *(CUdeviceptr *)parameters[0];
    if (grid_x * grid_y * grid_z == 0 || grid_z != 1 || block_y != 1 || block_z != 1) return complain("a launch of an odd shape");
    if (int(shared) > function->shared) return complain(function->name + " takes more shared memory than it asked for");
    if (!inside(args, 16)) return complain(function->name + " gets arguments that are not on the device");
    std::string name = function->name;
    return submit(stream, [=] {
        if (mcd_emulate_launch(name.c_str(), grid_x, grid_y, block_x, shared, args) != 0) {
            complain(name + ": " + mcd_emulate_error());
            return CUDA_ERROR_LAUNCH_FAILED;
        }
        return CUDA_SUCCESS;
    });
}
