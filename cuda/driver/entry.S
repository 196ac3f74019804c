/* Trampolines: every driver entry jumps through its slot of mcd_cuda_table. An empty slot leads through mcd_cuda_resolve
 * (load.c), which fills it; the caller's argument registers are kept meanwhile. */
//go:build cuda

#if defined(__x86_64__)

.macro trampoline name
    .globl \name
    .hidden \name
    .type \name, @function
\name:
    movq mcd_cuda_table+8*index(%rip), %r11
    testq %r11, %r11
    jz 1f
    jmp *%r11
1:  movl $index, %r11d
    jmp first
    .size \name, . - \name
    .set index, index + 1
.endm

    .text
    .type first, @function
first:
    pushq %rbp
    movq %rsp, %rbp
    andq $-16, %rsp
    subq $64, %rsp
    movq %rdi, (%rsp)
    movq %rsi, 8(%rsp)
    movq %rdx, 16(%rsp)
    movq %rcx, 24(%rsp)
    movq %r8, 32(%rsp)
    movq %r9, 40(%rsp)
    movsd %xmm0, 48(%rsp)
    movsd %xmm1, 56(%rsp)
    movl %r11d, %edi
    call mcd_cuda_resolve
    movq %rax, %r11
    movq (%rsp), %rdi
    movq 8(%rsp), %rsi
    movq 16(%rsp), %rdx
    movq 24(%rsp), %rcx
    movq 32(%rsp), %r8
    movq 40(%rsp), %r9
    movsd 48(%rsp), %xmm0
    movsd 56(%rsp), %xmm1
    leave
    jmp *%r11
    .size first, . - first

#elif defined(__aarch64__)

.macro trampoline name
    .globl \name
    .hidden \name
    .type \name, %function
\name:
    adrp x16, mcd_cuda_table+8*index
    ldr x16, [x16, #:lo12:mcd_cuda_table+8*index]
    cbz x16, 1f
    br x16
1:  mov w17, #index
    b first
    .size \name, . - \name
    .set index, index + 1
.endm

    .text
    .type first, %function
first:
    stp x29, x30, [sp, #-96]!
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp d0, d1, [sp, #80]
    mov w0, w17
    bl mcd_cuda_resolve
    mov x16, x0
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp d0, d1, [sp, #80]
    ldp x29, x30, [sp], #96
    br x16
    .size first, . - first

#else
#error "mcd's CUDA engine is for x86-64 and aarch64"
#endif

    .set index, 0
#define ENTRY(name) trampoline name
#include "symbols.h"

    .section .note.GNU-stack, "", %progbits
