// The program's entry point (linked with -e clinux_start): seals, then goes on
// to the C library's _start with the registers as they were, on the same stack or
// a larger one with the same in it.
        .weak   _start
        .text
        .globl  clinux_start
        .type   clinux_start, %function
clinux_start:
#if defined(__x86_64__)
        mov     %rsp, %rbx
        mov     %rdx, %r12
        mov     %rsp, %rdi
        xor     %ebp, %ebp
        and     $-16, %rsp
        call    clinux_seal
        mov     %rbx, %rdi
        call    clinux_choose_stack
        mov     %rax, %rsp
        mov     %r12, %rdx
        jmp     _start
#elif defined(__aarch64__)
        mov     x19, x0
        mov     x0, sp
        bl      clinux_seal
        mov     x0, sp
        bl      clinux_choose_stack
        mov     sp, x0
        mov     x0, x19
        b       _start
#endif
        .size   clinux_start, . - clinux_start
        .section .note.GNU-stack, "", %progbits
