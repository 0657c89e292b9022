/* virt.h - the registers of QEMU's `virt` machine (RISC-V) that this board uses, and no others */
#ifndef VIRT_H
#define VIRT_H

#include <stdint.h>

#define VIRT_REG8(addr)  (*(volatile uint8_t *)(uintptr_t)(addr))
#define VIRT_REG32(addr) (*(volatile uint32_t *)(uintptr_t)(addr))

/* Ends QEMU, or resets the machine. */
#define VIRT_TEST       VIRT_REG32(0x00100000u)
#define VIRT_TEST_PASS  0x5555u
#define VIRT_TEST_FAIL  0x3333u /* the status in the upper half */
#define VIRT_TEST_RESET 0x7777u

/* The clock: 64 bits, 10 MHz, as two words. */
#define VIRT_MTIME_HZ 10000000u
#define VIRT_MTIME    0x0200bff8u
#define VIRT_MTIMECMP 0x02004000u

/* The interrupt controller, as hart 0 in machine mode sees it. */
#define VIRT_PLIC_PRIORITY(irq) VIRT_REG32(0x0c000000u + 4u * (irq))
#define VIRT_PLIC_ENABLE        VIRT_REG32(0x0c002000u)
#define VIRT_PLIC_CLAIM         VIRT_REG32(0x0c200004u)

/* A 16550, a register a byte. */
#define VIRT_UART_DATA VIRT_REG8(0x10000000u)
#define VIRT_UART_IER  VIRT_REG8(0x10000001u)
#define VIRT_UART_FCR  VIRT_REG8(0x10000002u)
#define VIRT_UART_LCR  VIRT_REG8(0x10000003u)
#define VIRT_UART_LSR  VIRT_REG8(0x10000005u)
#define VIRT_UART_IRQ  10u

/* Eight places for virtio devices; which one holds the card is QEMU's choice. */
#define VIRT_VIRTIO(n)     (0x10001000u + 0x1000u * (n))
#define VIRT_VIRTIO_IRQ(n) (1u + (n))
#define VIRT_VIRTIO_PLACES 8u

/* The second flash (pflash unit 1): 32 MiB, two chips of 16 bits side by side. */
#define VIRT_FLASH 0x22000000u

/* An interrupt of this number may end board_wait. */
static inline void virt_irq_enable(unsigned irq)
{
    VIRT_PLIC_PRIORITY(irq) = 1;
    VIRT_PLIC_ENABLE |= 1u << irq;
}

#endif
