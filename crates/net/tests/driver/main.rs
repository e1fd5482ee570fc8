//! The rules that every driver keeps, written once and run against each.
//!
//! What a driver does beyond them is tested beside it; what needs a network of its own is in `namespace.rs`.

#![expect(clippy::unwrap_used, reason = "what fails to be set up fails the test")]
#![expect(clippy::print_stderr, reason = "says what this machine cannot test")]

mod allocation;
mod bed;
mod fairness;
mod lifecycle;
mod receive;
#[path = "../seccomp/mod.rs"]
mod seccomp;
mod send;
mod stream;
mod wait;

use bed::Bed;
use net::epoll::{EpollConfig, EpollDriver};
use net::probe::{AnyDriver, Host, HostChoice, Needs, choose};
use net::uring::{UringConfig, UringDriver};

fn epoll() -> Bed<EpollDriver> {
    Bed::new(EpollDriver::new(EpollConfig { sockets: 256, gso: true }).unwrap())
}

fn uring() -> Bed<UringDriver> {
    Bed::new(UringDriver::new(UringConfig { sockets: 256, ..UringConfig::default() }).unwrap())
}

#[cfg(feature = "host-glommio")]
fn glommio() -> Bed<net::glommio::GlommioDriver> {
    Bed::new(net::glommio::GlommioDriver::new(EpollConfig { sockets: 256, gso: true }).unwrap())
}

/// Plays a rule on what `auto` chooses where a real seccomp filter refuses io_uring, as in a default container.
/// On a thread of its own, since the filter stays for as long as its thread.
fn where_uring_is_refused(rule: fn(Bed<AnyDriver>)) {
    let thread = std::thread::spawn(move || {
        seccomp::refuse(&seccomp::URING_CALLS, libc::EPERM);
        let chosen = choose(HostChoice::Auto, Needs { shards: 1, sockets: 256 }).unwrap();
        assert_eq!(chosen.host, Host::Epoll);
        rule(Bed::new(AnyDriver::new(&chosen).unwrap()));
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

/// One test per rule and driver.
macro_rules! rules {
    ($($module:ident: $($rule:ident),+ $(,)?;)+) => {
        mod on_epoll {
            $($(#[test] fn $rule() { crate::$module::$rule(crate::epoll()); })+)+
        }
        mod on_uring {
            $($(#[test] fn $rule() { crate::$module::$rule(crate::uring()); })+)+
        }
        #[cfg(feature = "host-glommio")]
        mod on_glommio {
            $($(#[test] fn $rule() { crate::$module::$rule(crate::glommio()); })+)+
        }
        mod on_epoll_where_uring_is_refused {
            $($(#[test] fn $rule() { crate::where_uring_is_refused(crate::$module::$rule); })+)+
        }
    };
}

rules! {
    receive:
        a_datagram_arrives_whole_with_its_peer,
        a_datagram_bears_the_time_of_its_arrival,
        a_train_is_split_where_its_sender_split_it,
        a_socket_without_gro_hears_the_same,
        a_wildcard_socket_says_where_a_datagram_was_sent_to,
        an_empty_datagram_is_counted_and_harms_nobody,
        empty_datagrams_hold_nobody_up,
        ipv6_peers_are_heard_and_answered,
        a_dual_stack_socket_knows_ipv4_peers_by_their_ipv4_address,
        a_disconnected_wildcard_socket_hears_everybody_again,
        an_ipv6_socket_can_change_its_peer_but_not_lose_it,
        the_budget_of_a_tick_is_kept_and_nothing_is_lost;
    send:
        runs_of_every_shape_arrive_in_order,
        a_wildcard_socket_answers_from_the_address_it_was_asked_on,
        a_connected_socket_sends_to_its_peer_until_it_is_disconnected,
        a_closed_port_is_counted_and_the_socket_goes_on,
        a_peer_of_the_wrong_family_is_a_counted_drop,
        what_is_reserved_and_not_sent_is_not_sent,
        what_is_reserved_and_not_sent_can_be_had_again,
        a_run_that_cannot_be_is_a_counted_drop,
        the_largest_run_goes_out_as_one;
    lifecycle:
        a_fixed_port_can_be_closed_and_bound_again_a_thousand_times,
        a_close_ends_though_nothing_else_happens,
        a_stale_key_names_nothing,
        a_closed_socket_delivers_nothing_more,
        a_full_table_refuses_and_closes_the_socket,
        dropping_a_driver_frees_its_ports,
        a_connected_socket_beside_the_main_one_hears_its_peer_alone;
    fairness:
        one_flooded_socket_among_200_delays_nobody,
        a_flood_of_trains_keeps_to_the_budget_too;
    wait:
        a_waker_ends_a_wait,
        a_last_look_that_finds_work_prevents_the_wait,
        waking_the_awake_is_not_counted,
        a_wait_ends_at_its_deadline_and_not_before,
        waits_are_finer_than_a_millisecond,
        a_deadline_in_the_past_is_no_wait,
        a_datagram_ends_a_wait,
        what_was_left_behind_prevents_the_wait;
    stream:
        a_connection_is_accepted_read_and_written,
        a_peer_of_ipv4_is_known_by_its_ipv4_address,
        a_connection_is_named_for_each_arrival,
        everybody_of_a_crowd_is_accepted_and_heard,
        a_full_connection_is_named_when_there_is_room,
        a_peer_that_closes_is_named_and_what_it_said_before_is_read,
        a_closed_listener_frees_its_port_and_its_connections_live_on,
        what_was_written_arrives_unless_the_farewell_is_abrupt,
        a_connection_that_is_let_go_of_lives_on,
        a_stale_key_of_a_connection_names_nothing,
        a_full_table_turns_away_and_recovers,
        dropping_a_driver_ends_its_connections,
        whoever_connects_or_writes_ends_a_wait;
    allocation:
        a_warm_loop_allocates_nothing,
        a_warm_connection_allocates_nothing;
}
