/* sf2.h - the registers of SmartFusion2 that this board uses, and no others */
#ifndef SF2_H
#define SF2_H

#include <stdint.h>

#define SF2_CPU_HZ   142000000u
#define SF2_APB_HZ   (SF2_CPU_HZ / 2)
#define SF2_IRQ_EMAC 12

struct sf2_uart { /* 16550, one register a word */
    volatile uint32_t data, ier, fcr, lcr, mcr, lsr;
};
struct sf2_spi {
    volatile uint32_t control, frame_size, status, int_clear, rx, tx, clock, select;
};
struct sf2_emac {
    volatile uint32_t cfg1, cfg2, ifg, half_duplex, max_frame, res0[4];
    volatile uint32_t mii_cmd, mii_addr, mii_ctl, mii_status, mii_busy, res1[2];
    volatile uint32_t sta1, sta2, fifo[6], res2[72];
    volatile uint32_t tx_ctl, tx_desc, tx_status, rx_ctl, rx_desc, rx_status, irq_mask, irq;
};
struct cm3_systick {
    volatile uint32_t ctrl, load, value;
};

#define SF2_UART0   ((struct sf2_uart *)0x40000000u)
#define SF2_SPI0    ((struct sf2_spi *)0x40001000u)
#define SF2_EMAC    ((struct sf2_emac *)0x40041000u)
#define CM3_SYSTICK ((struct cm3_systick *)0xe000e010u)
#define CM3_ISER0   (*(volatile uint32_t *)0xe000e100u)
#define CM3_ICPR0   (*(volatile uint32_t *)0xe000e280u)
#define CM3_ICSR    (*(volatile uint32_t *)0xe000ed04u)
#define CM3_AIRCR   (*(volatile uint32_t *)0xe000ed0cu)
#define CM3_SHPR3   (*(volatile uint32_t *)0xe000ed20u)
#define CM3_CFSR    (*(volatile uint32_t *)0xe000ed28u)
#define CM3_HFSR    (*(volatile uint32_t *)0xe000ed2cu)
#define CM3_BFAR    (*(volatile uint32_t *)0xe000ed38u)

#define CM3_ICSR_PENDSVSET 0x10000000u
#define CM3_ICSR_PENDSTSET 0x04000000u

#define CM3_MPU_CTRL (*(volatile uint32_t *)0xe000ed94u)
#define CM3_MPU_RBAR (*(volatile uint32_t *)0xe000ed9cu)
#define CM3_MPU_RASR (*(volatile uint32_t *)0xe000eda0u)

_Static_assert(__builtin_offsetof(struct sf2_uart, lsr) == 0x14, "UART registers");
_Static_assert(__builtin_offsetof(struct sf2_spi, select) == 0x1c, "SPI registers");
_Static_assert(__builtin_offsetof(struct sf2_emac, mii_cmd) == 0x24, "EMAC registers");
_Static_assert(__builtin_offsetof(struct sf2_emac, sta1) == 0x40, "EMAC registers");
_Static_assert(__builtin_offsetof(struct sf2_emac, tx_ctl) == 0x180, "EMAC registers");
_Static_assert(__builtin_offsetof(struct sf2_emac, irq) == 0x19c, "EMAC registers");

/* The link between startup.c and the drivers. */
void sf2_emac_interrupt(void);
void sf2_tick_interrupt(void);
void sf2_pendsv_interrupt(void);
void sf2_fiber_tick(void);

#endif
