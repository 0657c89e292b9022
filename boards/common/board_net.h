/* board_net.h - port/lwip's sockets for what runs on the fiber (board_fiber.h)
 *
 * The main loop feeds frames to lwIP between two slices: no switch while a call is in lwIP.
 */
#ifndef BOARD_NET_H
#define BOARD_NET_H

#include "acme_port.h"

extern const struct acme_net board_net_ops; /* ctx as for lwip_net_ops */

#endif
