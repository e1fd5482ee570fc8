//! Media through the worker: real mediasoup in Node, our binary, peers on UDP sockets.
//!
//! Each scenario is JavaScript in `media/`. Scenarios with real encoders need GStreamer, and some of them ffmpeg and
//! aiortc, so they are ignored by default: `cargo xtask test --only media` installs those and runs them.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

mod npm;
mod python;
#[macro_use]
mod scenarios;

use scenarios::Shards;

fn play(file: &str, name: &str, shards: Shards) {
    npm::package();
    if JUDGED_BY_AIORTC.contains(&file) {
        python::packages();
    }
    let shim = BEHIND_A_BAD_NETWORK.contains(&file).then(|| ("SHARDCAST_TEST_SHIM", scenarios::shim()));
    scenarios::play(&format!("media/{file}"), name, shards, shim.as_slice());
}

fn compare(file: &str, named: &[&str]) {
    npm::package();
    scenarios::compare(&format!("media/{file}"), named);
}

/// The files of scenarios that start Python.
const JUDGED_BY_AIORTC: &[&str] = &["levelling", "aiortc"];

/// The files of scenarios that start the shim.
const BEHIND_A_BAD_NETWORK: &[&str] = &["lossy", "feedback"];

scenarios! {
    direct:
    packets_arrive_whole_and_in_order,
    a_plain_peer_and_the_application_hear_each_other,
    two_hundred_consumers_of_the_application_get_each_packet,
    messages_keep_their_kind_their_order_and_their_bounds,
}

scenarios! {
    plain:
    audio_and_video_pass_with_rtcp_mux,
    audio_and_video_pass_with_a_port_for_rtcp,
    both_directions_share_a_transport,
    gaps_and_reordering_are_passed_on,
    two_hundred_subscribers_get_each_packet,
    what_belongs_to_nobody_disturbs_nobody,
}

scenarios! {
    srtp:
    aes_cm_128_hmac_sha1_80_both_ways,
    aes_cm_128_hmac_sha1_80_refuses_what_was_tampered_with_or_comes_again,
    aead_aes_128_gcm_both_ways,
    aead_aes_128_gcm_refuses_what_was_tampered_with_or_comes_again,
    comedia_with_srtp,
}

scenarios! {
    web_rtc:
    a_transport_connects_and_says_how,
    goodbye_is_heard_by_both_sides,
    the_end_of_the_worker_is_a_goodbye_to_all,
    who_means_no_good_disturbs_no_call,
}

scenarios! {
    tcp:
    the_end_of_the_worker_is_a_goodbye_to_all,
    media_passes_and_all_say_that_it_is_tcp,
    udp_and_tcp_callers_hear_each_other,
    who_loses_the_connection_can_come_back,
    who_never_reads_disturbs_nobody_and_can_begin_anew,
    strangers_disturb_no_call,
}

scenarios! {
    web_rtc_server:
    callers_of_one_port_hear_each_other,
    callers_of_one_tcp_port_hear_each_other,
    a_server_says_who_is_behind_it,
    a_server_that_closes_takes_all_its_transports,
    strangers_disturb_nobody,
}

scenarios! {
    pause:
    a_paused_audio_consumer_misses_and_goes_on,
    a_paused_audio_producer_is_silent_everywhere,
    a_paused_video_consumer_misses_and_goes_on,
    a_paused_video_producer_is_silent_everywhere,
    a_consumer_that_begins_paused_begins_when_it_resumes,
    both_sides_have_to_agree,
    pauses_in_the_middle_of_packets_leave_no_gap,
}

scenarios! {
    close:
    a_closed_consumer_falls_silent_alone,
    a_closed_producer_tells_its_consumers,
    a_closed_transport_takes_its_own_with_it,
    a_closed_router_leaves_the_next_one_alone,
    coming_and_going_does_not_disturb_who_stays,
}

scenarios! {
    late:
    late_audio_subscribers_begin_where_they_come_in,
    late_video_subscribers_begin_where_they_come_in,
    a_subscriber_that_connects_late_gets_what_comes_then,
}

scenarios! {
    routing:
    by_ssrc,
    by_mid,
    by_rid,
    by_mid_before_rid,
    what_names_no_producer_is_dropped_until_one_is_there,
    a_second_producer_with_the_same_name_is_refused,
}

scenarios! {
    comedia:
    the_first_packet_fixes_the_address,
    the_way_back_opens_with_the_first_packet,
    rtcp_has_an_address_of_its_own,
    an_address_given_by_hand_is_not_taken,
}

scenarios! {
    pipe:
    audio_crosses_workers,
    audio_crosses_workers_sealed,
    video_crosses_workers,
    video_crosses_workers_sealed,
    pausing_and_closing_cross_too,
}

scenarios! {
    key_frames:
    the_application_asks,
    the_application_asks_with_a_port_for_rtcp,
    the_subscriber_asks,
}

scenarios! {
    shapes:
    unusual_headers_change_nothing,
    packets_of_padding_alone_end_here,
    packets_of_every_size_pass,
    ipv6_is_spoken_too,
    a_peer_hears_itself,
}

scenarios! {
    simulcast:
    one_encoding_at_a_time_without_a_gap,
    every_encoding_crosses_workers,
}

scenarios! {
    gstreamer:
    #[ignore = "needs GStreamer"]
    h264_is_decoded_by_two_subscribers,
    #[ignore = "needs GStreamer"]
    vp8_is_decoded_by_two_subscribers,
    #[ignore = "needs GStreamer"]
    opus_is_decoded_by_two_subscribers,
    #[ignore = "needs GStreamer"]
    aes_cm_128_hmac_sha1_80_both_ways,
    #[ignore = "needs GStreamer"]
    aes_cm_128_hmac_sha1_32_both_ways,
    #[ignore = "needs GStreamer"]
    aead_aes_128_gcm_both_ways,
    #[ignore = "needs GStreamer"]
    aead_aes_256_gcm_both_ways,
}

scenarios! {
    aiortc:
    #[ignore = "needs aiortc"]
    there_and_back,
    #[ignore = "needs aiortc"]
    with_an_rsa_certificate,
}

scenarios! {
    webrtcbin:
    #[ignore = "needs GStreamer and its bindings for Python"]
    vp8_there_and_back,
    #[ignore = "needs GStreamer and its bindings for Python"]
    h264_there_and_back,
    #[ignore = "needs GStreamer and its bindings for Python"]
    as_the_server_of_dtls,
}

scenarios! {
    levelling:
    #[ignore = "needs GStreamer, ffmpeg and aiortc"]
    h264_is_decoded,
    #[ignore = "needs GStreamer, ffmpeg and aiortc"]
    vp8_is_decoded,
}

scenarios! {
    lossy:
    #[ignore = "needs GStreamer"]
    vp8_is_repaired_before_the_worker,
    #[ignore = "needs GStreamer"]
    h264_is_repaired_before_the_worker,
    #[ignore = "needs GStreamer"]
    vp8_is_repaired_on_both_sides,
    #[ignore = "needs GStreamer"]
    h264_is_repaired_on_both_sides,
    #[ignore = "needs GStreamer"]
    opus_is_repaired_behind_the_worker,
}

scenarios! {
    feedback:
    #[ignore = "needs the shim, which is built for it"]
    arrivals_are_those_of_the_network,
}

scenarios! {
    numbers:
    all_that_leaves_by_a_transport_is_counted_together,
    what_goes_again_as_it_was_has_the_number_that_it_had,
}

scenarios! {
    repairs:
    the_publisher_is_asked_and_what_it_sends_again_goes_on,
    what_comes_twice_goes_on_once,
}

scenarios! {
    resending:
    a_subscriber_gets_what_it_asks_for,
    a_packet_goes_once_however_often_it_is_asked_for_at_a_time,
    without_rtx_the_same_bytes_come_again,
    a_subscriber_without_nack_gets_nothing_again,
    nacks_are_traced,
    requests_and_retransmissions_are_counted,
}

scenarios! {
    observation:
    a_producer_traces_packets_and_reports,
    requests_by_pli_are_traced,
    requests_by_fir_are_traced,
    a_consumer_traces_what_it_is_sent,
    orientation_is_told_when_it_changes,
    silence_is_dropped_for_who_ignores_it,
    packet_ids_count_up,
    firs_count_up,
    requests_keep_their_distance,
}

scenarios! {
    reports:
    a_publisher_is_told_what_arrived,
    reports_echo_the_time_of_the_publisher,
    a_publisher_is_asked_for_the_way_there_and_back,
    a_producer_is_scored_when_its_publisher_reports,
}

scenarios! {
    sender_reports:
    a_subscriber_is_told_what_was_sent,
    a_subscriber_can_ask_for_the_way_there_and_back,
    what_a_subscriber_reports_is_in_the_stats,
}

scenarios! {
    stats:
    counts_agree_and_never_go_back,
}
