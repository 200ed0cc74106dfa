/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Start-up. Reset enters bank 0 of the NOR flash, where only the first few instructions run: flash cannot be read while it is
 * written, so the image lives in RAM. `boot` copies it there; `_start` is the image's own entry, whoever loaded it.
 */
	.section .boot, "ax"
	.globl boot
boot:
	csrr	t0, mhartid
	bnez	t0, park
	la	t0, _image_load
	la	t1, _image
	la	t2, _image_end
1:	ld	t3, 0(t0)
	sd	t3, 0(t1)
	addi	t0, t0, 8
	addi	t1, t1, 8
	bltu	t1, t2, 1b
	fence.i
	la	t0, _start
	jr	t0
park:	wfi
	j	park

	.section .text.start, "ax"
	.globl _start
_start:
	.option push
	.option norelax
	la	gp, __global_pointer$
	.option pop
	la	sp, _stack_top
	la	t0, _trap_stack_top
	csrw	mscratch, t0
	la	t0, trap_entry
	csrw	mtvec, t0
	la	t0, _bss
	la	t1, _bss_end
1:	bgeu	t0, t1, 2f
	sd	zero, 0(t0)
	addi	t0, t0, 8
	j	1b
2:	call	main
3:	wfi
	j	3b

/* Every trap: the registers into a struct trap_frame on the trap stack, so that a stack that overflowed can be told of. */
	.balign	4
trap_entry:
	csrrw	sp, mscratch, sp
	addi	sp, sp, -32*8
	.irp	n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	sd	x\n, \n*8(sp)
	.endr
	csrr	t0, mscratch
	sd	t0, 2*8(sp)
	csrr	t0, mepc
	sd	t0, 0(sp)
	/* Back to where a trap within a trap starts anew: its own dump is better than none. */
	addi	t0, sp, 32*8
	csrw	mscratch, t0
	mv	a0, sp
	call	trap
	ld	t0, 2*8(sp)
	csrw	mscratch, t0
	.irp	n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	ld	x\n, \n*8(sp)
	.endr
	addi	sp, sp, 32*8
	csrrw	sp, mscratch, sp
	mret
