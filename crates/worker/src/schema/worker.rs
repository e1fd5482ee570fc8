//! The worker itself: settings, usage, and the objects directly below it.

use crate::flat::{Layout, Str, Table, tables};
use crate::schema::transport;

tables! {
    /// Ids of all objects that take requests, and of those that take notifications.
    ChannelMessageHandlers<'a> {
        0 channel_request_handlers: Vec<Str<'a>>,
        1 channel_notification_handlers: Vec<Str<'a>>,
    }

    DumpResponse<'a> {
        0 pid: u32,
        1 web_rtc_server_ids: Vec<Str<'a>>,
        2 router_ids: Vec<Str<'a>>,
        3 channel_message_handlers: ChannelMessageHandlers<'a>,
    }

    /// getrusage of the process; the two times are in milliseconds.
    ResourceUsageResponse {
        0 ru_utime: u64,
        1 ru_stime: u64,
        2 ru_maxrss: u64,
        3 ru_ixrss: u64,
        4 ru_idrss: u64,
        5 ru_isrss: u64,
        6 ru_minflt: u64,
        7 ru_majflt: u64,
        8 ru_nswap: u64,
        9 ru_inblock: u64,
        10 ru_oublock: u64,
        11 ru_msgsnd: u64,
        12 ru_msgrcv: u64,
        13 ru_nsignals: u64,
        14 ru_nvcsw: u64,
        15 ru_nivcsw: u64,
    }

    /// New log settings; what is absent stays, but tags are replaced as a whole.
    UpdateSettingsRequest<'a> {
        0 log_level: Option<Str<'a>>,
        1 log_tags: Option<Vec<Str<'a>>>,
    }

    CreateWebRtcServerRequest<'a> {
        0 web_rtc_server_id: Str<'a>,
        1 listen_infos: Option<Vec<transport::ListenInfo<'a>>>,
    }

    CloseWebRtcServerRequest<'a> {
        0 web_rtc_server_id: Str<'a>,
    }

    CreateRouterRequest<'a> {
        0 router_id: Str<'a>,
    }

    CloseRouterRequest<'a> {
        0 router_id: Str<'a>,
    }
}

/// Everything declared here, for tests.
pub const LAYOUTS: &[Layout] = &[
    <ChannelMessageHandlers as Table>::LAYOUT,
    <DumpResponse as Table>::LAYOUT,
    <ResourceUsageResponse as Table>::LAYOUT,
    <UpdateSettingsRequest as Table>::LAYOUT,
    <CreateWebRtcServerRequest as Table>::LAYOUT,
    <CloseWebRtcServerRequest as Table>::LAYOUT,
    <CreateRouterRequest as Table>::LAYOUT,
    <CloseRouterRequest as Table>::LAYOUT,
];
