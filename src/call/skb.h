/* SPDX-License-Identifier: BSD-2-Clause */
/* skb.h: bodies of the helpers on struct __sk_buff: skb.c and skb_room.c. */
#ifndef CALL_SKB_H
#define CALL_SKB_H

#include "call/bodies.h"

HELPER_BODY(call_skb_load);
HELPER_BODY(call_skb_load_relative);
HELPER_BODY(call_skb_store);
HELPER_BODY(call_skb_pull);
HELPER_BODY(call_l3_csum);
HELPER_BODY(call_l4_csum);
HELPER_BODY(call_csum_update);
HELPER_BODY(call_csum_level);
HELPER_BODY(call_skb_change_type);
HELPER_BODY(call_skb_hash);
HELPER_BODY(call_skb_hash_clear);
HELPER_BODY(call_skb_hash_set);
HELPER_BODY(call_skb_ecn_ce);
HELPER_BODY(call_skb_tstamp);
HELPER_BODY(call_skb_redirect);
HELPER_BODY(call_skb_redirect_peer);
HELPER_BODY(call_skb_redirect_neigh);
HELPER_BODY(call_skb_clone_redirect);
HELPER_BODY(call_skb_socket_cookie);
HELPER_BODY(call_skb_netns_cookie);
HELPER_BODY(call_skb_realm);
HELPER_BODY(call_skb_classid);
HELPER_BODY(call_skb_uid);

HELPER_BODY(call_skb_get_tunnel_key);
HELPER_BODY(call_skb_set_tunnel_key);
HELPER_BODY(call_skb_get_tunnel_opt);
HELPER_BODY(call_skb_set_tunnel_opt);

HELPER_BODY(call_xdp_check_mtu);
HELPER_BODY(call_skb_check_mtu);

HELPER_BODY(call_flow_load);

HELPER_BODY(call_skb_change_head);
HELPER_BODY(call_skb_change_tail);
HELPER_BODY(call_skb_change_proto);
HELPER_BODY(call_skb_adjust_room);
HELPER_BODY(call_skb_vlan_push);
HELPER_BODY(call_skb_vlan_pop);

#endif
