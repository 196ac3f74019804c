#define MCD_EMULATED
#include "../kernels.cu"

#include "emulate.h"
#include "faulty.h"

#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <random>
#include <vector>

#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#if !defined(__x86_64__) && !defined(__aarch64__)
#include <ucontext.h>
#endif

namespace {

/*
 * Switches stacks: saves what a call must preserve on the running stack, its address to *from, and goes on with the stack to. A
 * few nanoseconds; swapcontext would ask the kernel each time.
 */
#if defined(__x86_64__)
using Context = void *;
extern "C" void mcd_emulate_switch(Context *from, Context to);
asm(R"(
.text
.type mcd_emulate_switch, @function
.globl mcd_emulate_switch
.hidden mcd_emulate_switch
mcd_emulate_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size mcd_emulate_switch, . - mcd_emulate_switch
)");
Context start_context(char *stack, size_t size, void (*main)()) {
    auto top = reinterpret_cast<void **>(reinterpret_cast<uintptr_t>(stack + size) & ~uintptr_t{15});
    *--top = nullptr; // where main would return to: it never does
    *--top = reinterpret_cast<void *>(main);
    return top - 6;
}
#elif defined(__aarch64__)
using Context = void *;
extern "C" void mcd_emulate_switch(Context *from, Context to);
asm(R"(
.text
.type mcd_emulate_switch, %function
.globl mcd_emulate_switch
.hidden mcd_emulate_switch
mcd_emulate_switch:
    sub sp, sp, #160
    stp x19, x20, [sp]
    stp x21, x22, [sp, #16]
    stp x23, x24, [sp, #32]
    stp x25, x26, [sp, #48]
    stp x27, x28, [sp, #64]
    stp x29, x30, [sp, #80]
    stp d8, d9, [sp, #96]
    stp d10, d11, [sp, #112]
    stp d12, d13, [sp, #128]
    stp d14, d15, [sp, #144]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    ldp x19, x20, [sp]
    ldp x21, x22, [sp, #16]
    ldp x23, x24, [sp, #32]
    ldp x25, x26, [sp, #48]
    ldp x27, x28, [sp, #64]
    ldp x29, x30, [sp, #80]
    ldp d8, d9, [sp, #96]
    ldp d10, d11, [sp, #112]
    ldp d12, d13, [sp, #128]
    ldp d14, d15, [sp, #144]
    add sp, sp, #160
    ret
.size mcd_emulate_switch, . - mcd_emulate_switch
)");
Context start_context(char *stack, size_t size, void (*main)()) {
    auto top = reinterpret_cast<void **>(reinterpret_cast<uintptr_t>(stack + size) & ~uintptr_t{15});
    top -= 20;
    top[11] = reinterpret_cast<void *>(main);
    return top;
}
#else
using Context = ucontext_t *;
void mcd_emulate_switch(Context *from, Context to) { swapcontext(*from, to); }
Context start_context(char *stack, size_t size, void (*main)()) {
    auto c = new ucontext_t;
    getcontext(c);
    c->uc_stack.ss_sp = stack, c->uc_stack.ss_size = size, c->uc_link = nullptr;
    makecontext(c, main, 0);
    return c;
}
#endif

constexpr size_t stack_bytes = 64 << 10;
using Body = void (*)(uint64_t args);

struct Fiber {
    Context context{};
    char *stack = nullptr;
    bool done = false;
    long barriers = 0, votes = 0;
    int line = 0; // of the barrier where it waits
    void *fake = nullptr; // of the address sanitizer
};

/* The block that a host thread runs. */
struct Block {
    int index = 0, index_y = 0, count = 0, running = 0;
    Body body = nullptr;
    uint64_t args = 0;
    std::vector<Fiber> fibers;
    Context scheduler{};
    void *scheduler_fake = nullptr;
    const void *scheduler_stack = nullptr;
    size_t scheduler_size = 0;
    unsigned char *shared = nullptr;
    size_t shared_bytes = 0;
    bool misplaced = false; // a pointer to shared memory was taken for one to device memory
    bool vote[3] = {}; // the running one, the last one, which others may still read, and the next one
    char *stacks = nullptr;
    size_t mapped = 0;

    ~Block() { if (stacks) munmap(stacks, mapped); }
};

thread_local Block kept; // with its stacks, from launch to launch
thread_local char message[256];
/* That of the running launch: fibers ask for it all the time, so it is found without a call. */
thread_local Block *block __attribute__((tls_model("initial-exec"))) = nullptr;

std::atomic<int> order{MCD_EMULATE_ASCENDING};
std::atomic<uint64_t> seed{0};

void begin_switch([[maybe_unused]] void **fake, [[maybe_unused]] const void *stack, [[maybe_unused]] size_t size) {
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(fake, stack, size);
#endif
}
void end_switch([[maybe_unused]] void *fake, [[maybe_unused]] const void **stack, [[maybe_unused]] size_t *size) {
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(fake, stack, size);
#endif
}

/* From a fiber to the scheduler and, some time later, back. */
void leave(bool last) {
    Fiber &f = block->fibers[block->running];
    begin_switch(last ? nullptr : &f.fake, block->scheduler_stack, block->scheduler_size);
    mcd_emulate_switch(&f.context, block->scheduler);
    end_switch(f.fake, nullptr, nullptr);
}

void fiber_main() {
    end_switch(nullptr, &block->scheduler_stack, &block->scheduler_size);
    block->body(block->args);
    block->fibers[block->running].done = true;
    leave(true);
}

void enter(int i) {
    Fiber &f = block->fibers[i];
    block->running = i;
    begin_switch(&block->scheduler_fake, f.stack, stack_bytes);
    mcd_emulate_switch(&block->scheduler, f.context);
    end_switch(block->scheduler_fake, nullptr, nullptr);
}

/* Runs all threads of the block from barrier to barrier. */
bool run_block(std::vector<int> &turn, std::mt19937_64 &random) {
    int n = static_cast<int>(block->fibers.size());
#if !defined(__x86_64__) && !defined(__aarch64__)
    ucontext_t scheduler;
    block->scheduler = &scheduler;
#endif
    block->vote[0] = false;
    for (int i = 0; i < n; i++) {
        Fiber &f = block->fibers[i];
        f.done = false, f.barriers = f.votes = 0, f.fake = nullptr;
        f.stack = block->stacks + static_cast<size_t>(i) * stack_bytes;
        f.context = start_context(f.stack, stack_bytes, fiber_main);
    }
    for (int left = n; left > 0;) {
        if (order == MCD_EMULATE_RANDOM) {
            for (int i = n - 1; i > 0; i--) std::swap(turn[i], turn[random() % (i + 1)]);
        }
        left = 0;
        for (int i : turn) {
            if (!block->fibers[i].done) enter(i);
            left += !block->fibers[i].done;
        }
        if (block->misplaced) {
            std::snprintf(message, sizeof message, "shared memory is taken for device memory in block (%d, %d)", block->index, block->index_y);
            return false;
        }
        if (left != 0 && left != n) {
            int waiting = 0, gone = 0;
            for (int i = 0; i < n; i++) (block->fibers[i].done ? gone : waiting) = i;
            std::snprintf(message, sizeof message, "barrier divergence in block (%d, %d): thread %d waits at its barrier %ld, thread %d has ended",
                block->index, block->index_y, waiting, block->fibers[waiting].barriers, gone);
            return false;
        }
        for (int i = 1; i < n && left == n; i++) {
            if (block->fibers[i].line == block->fibers[0].line) continue;
            std::snprintf(message, sizeof message, "barrier divergence in block (%d, %d): thread 0 waits in line %d, thread %d in line %d",
                block->index, block->index_y, block->fibers[0].line, i, block->fibers[i].line);
            return false;
        }
    }
    return true;
}

struct Entry {
    const char *name;
    Body body;
};

#define ENTRY(name, type) {#name, [](uint64_t a) { name(reinterpret_cast<const type *>(a)); }},
const Entry entries[] = {MCD_GPU_ENTRIES(ENTRY)};
#undef ENTRY

#define FAULTY(name) {#name, [](uint64_t a) { name(reinterpret_cast<double *>(a)); }}
const Entry faulty[] = {FAULTY(faulty_divergence), FAULTY(faulty_branches), FAULTY(faulty_place), FAULTY(faulty_race), FAULTY(faulty_uninitialised)};
#undef FAULTY

const Entry *find(const char *name) {
    for (const Entry &e : entries) {
        if (std::strcmp(e.name, name) == 0) return &e;
    }
    for (const Entry &e : faulty) {
        if (std::strcmp(e.name, name) == 0) return &e;
    }
    return nullptr;
}

} // namespace

namespace mcd {
int thread_index() { return block->running; }
int block_index() { return block->index; }
int block_index_y() { return block->index_y; }
int block_count() { return block->count; }
unsigned char *shared_memory() { return block->shared; }
void not_shared(const void *p) {
    if (static_cast<size_t>(static_cast<const unsigned char *>(p) - block->shared) < block->shared_bytes) block->misplaced = true;
}
void barrier(int line) {
    block->fibers[block->running].barriers++;
    block->fibers[block->running].line = line;
    leave(false);
}
bool barrier_any(bool yes, int line) {
    long now = block->fibers[block->running].votes++;
    block->vote[(now + 1) % 3] = false;
    if (yes) block->vote[now % 3] = true;
    barrier(line);
    return block->vote[now % 3];
}
} // namespace mcd

#pragma GCC visibility push(default)
extern "C" void mcd_emulate_order(int o, uint64_t s) { order = o, seed = s; }

extern "C" const char *mcd_emulate_error(void) { return message; }

extern "C" const char *mcd_emulate_entry(unsigned i) { return i < std::size(entries) ? entries[i].name : nullptr; }

extern "C" int mcd_emulate_launch(const char *name, unsigned grid_x, unsigned grid_y, unsigned threads, unsigned shared_bytes, uint64_t args) {
    const Entry *entry = find(name);
    if (!entry) return std::snprintf(message, sizeof message, "no kernel is called %s", name), 1;
    if (threads != MCD_GPU_THREADS || grid_x < 1 || grid_y < 1) {
        return std::snprintf(message, sizeof message, "%s launched with %u × %u blocks of %u threads; give blocks of %d", name, grid_x, grid_y, threads, MCD_GPU_THREADS), 1;
    }
    block = &kept;
    if (block->fibers.size() != threads) {
        block->mapped = threads * stack_bytes;
        void *stacks = mmap(nullptr, block->mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (stacks == MAP_FAILED) return std::snprintf(message, sizeof message, "no memory for the stacks of %u threads", threads), 1;
        block->stacks = static_cast<char *>(stacks);
        block->fibers.resize(threads);
    }
    // Exactly as large as asked for, so that the address sanitizer sees what lies beyond.
    size_t doubles = (shared_bytes + 7) / 8;
    auto shared = static_cast<double *>(::operator new(shared_bytes, std::align_val_t{16}));
    std::unique_ptr<double, void (*)(double *)> owner(shared, [](double *p) { ::operator delete(p, std::align_val_t{16}); });
    std::vector<int> turn(threads);
    for (unsigned i = 0; i < threads; i++) turn[i] = static_cast<int>(order == MCD_EMULATE_DESCENDING ? threads - 1 - i : i);
    std::mt19937_64 random(seed);
    block->body = entry->body, block->args = args, block->count = static_cast<int>(grid_x);
    block->shared = reinterpret_cast<unsigned char *>(shared), block->shared_bytes = shared_bytes, block->misplaced = false;
    for (unsigned y = 0; y < grid_y; y++) {
        for (unsigned x = 0; x < grid_x; x++) {
            for (size_t i = 0; i < doubles && 8 * i + 8 <= shared_bytes; i++) shared[i] = std::numeric_limits<double>::quiet_NaN();
            block->index = static_cast<int>(x), block->index_y = static_cast<int>(y);
            if (!run_block(turn, random)) {
                size_t used = std::strlen(message);
                std::snprintf(message + used, sizeof message - used, " (%s)", name);
                return 1;
            }
        }
    }
    return 0;
}
#pragma GCC visibility pop
