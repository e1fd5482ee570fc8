//! The worker itself.

use model::dump::{ChannelMessageHandlers, WorkerDump, WorkerResourceUsage};

use crate::schema::worker as schema;

impl<'a> From<&'a WorkerDump> for schema::DumpResponse<'a> {
    fn from(from: &'a WorkerDump) -> Self {
        Self {
            pid: from.pid,
            web_rtc_server_ids: from.web_rtc_server_ids.iter().map(|id| id.as_str().into()).collect(),
            router_ids: from.router_ids.iter().map(|id| id.as_str().into()).collect(),
            channel_message_handlers: (&from.channel_message_handlers).into(),
        }
    }
}

impl<'a> From<&'a ChannelMessageHandlers> for schema::ChannelMessageHandlers<'a> {
    fn from(from: &'a ChannelMessageHandlers) -> Self {
        let texts = |ids: &'a [Box<str>]| ids.iter().map(|id| (&**id).into()).collect();
        Self {
            channel_request_handlers: texts(&from.channel_request_handlers),
            channel_notification_handlers: texts(&from.channel_notification_handlers),
        }
    }
}

impl From<WorkerResourceUsage> for schema::ResourceUsageResponse {
    fn from(from: WorkerResourceUsage) -> Self {
        Self {
            ru_utime: from.ru_utime,
            ru_stime: from.ru_stime,
            ru_maxrss: from.ru_maxrss,
            ru_ixrss: from.ru_ixrss,
            ru_idrss: from.ru_idrss,
            ru_isrss: from.ru_isrss,
            ru_minflt: from.ru_minflt,
            ru_majflt: from.ru_majflt,
            ru_nswap: from.ru_nswap,
            ru_inblock: from.ru_inblock,
            ru_oublock: from.ru_oublock,
            ru_msgsnd: from.ru_msgsnd,
            ru_msgrcv: from.ru_msgrcv,
            ru_nsignals: from.ru_nsignals,
            ru_nvcsw: from.ru_nvcsw,
            ru_nivcsw: from.ru_nivcsw,
        }
    }
}
