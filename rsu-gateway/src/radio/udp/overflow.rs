//! Datagrams that the kernel dropped because the receive buffer was full, from `/proc/net/udp`.

use std::fs;
use std::os::fd::AsFd;

use rustix::fs::fstat;

/// Dropped by the kernel at `socket` since it was opened; 0 where the kernel does not tell.
pub(super) fn overflowed(socket: impl AsFd) -> u64 {
    let Ok(status) = fstat(socket) else { return 0 };
    let tables = ["/proc/net/udp", "/proc/net/udp6"];
    let tables = tables
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok());
    let mut drops = tables.filter_map(|table| drops(&table, status.st_ino));
    drops.next().unwrap_or(0)
}

/// The column `drops` of the line with that inode.
fn drops(table: &str, inode: u64) -> Option<u64> {
    let lines = table.lines().skip(1);
    let mut fields = lines.map(|line| line.split_ascii_whitespace());
    let is_it = |fields: &std::str::SplitAsciiWhitespace<'_>| {
        let field = fields.clone().nth(INODE);
        field.and_then(|field| field.parse().ok()) == Some(inode)
    };
    fields.find(is_it)?.nth(DROPS)?.parse().ok()
}

/// sl, local, remote, st, queues, timer, retrnsmt, uid, timeout, inode, ref, pointer, drops
const INODE: usize = 9;
const DROPS: usize = 12;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use socket2::{Domain, Socket, Type};

    const TABLE: &str = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
 1234: 0100007F:A2C1 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70511 2 0000000000000000 0
 1235: 0100007F:A2C2 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 70512 2 0000000000000000 17
";

    #[test]
    fn the_line_is_found_by_the_inode() {
        assert_eq!(drops(TABLE, 70_512), Some(17));
        assert_eq!(drops(TABLE, 70_511), Some(0));
        assert_eq!(drops(TABLE, 2), None);
    }

    #[test]
    fn what_a_full_buffer_cannot_take_is_counted() {
        let receiver = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        receiver.set_recv_buffer_size(4_096).unwrap();
        let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
        receiver.bind(&any.into()).unwrap();
        assert_eq!(overflowed(&receiver), 0);
        let sender = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        sender.connect(&receiver.local_addr().unwrap()).unwrap();
        for _ in 0..200 {
            sender.send(&[0; 1_000]).unwrap();
        }
        assert!(overflowed(&receiver) > 100);
    }

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_read_without_a_panic(table in "[ -~\n]{0,400}", inode: u64) {
            drops(&table, inode);
        }
    }
}
