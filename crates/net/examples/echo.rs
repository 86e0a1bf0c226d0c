//! Answers every DNS question with three fixed A records: what [`Batch`] costs, next to the same
//! program in C (`bench/dns/tools/echo.c`). Usage: `echo PORT`.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};

use trimtab_net::udp::{self, Batch, Options};

/// Three A records whose owner points at the question: 192.0.2.1, .2 and .3, 60 seconds.
const RECORDS: [u8; 48] = records();

fn main() -> Result<(), Box<dyn Error>> {
    let port: u16 = std::env::args().nth(1).ok_or("usage: echo PORT")?.parse()?;
    let socket = udp::bind((Ipv4Addr::LOCALHOST, port).into(), &Options::default())?;
    let mut batch = Batch::new();
    loop {
        batch.receive(&socket)?.serve(answer);
    }
}

fn answer(query: &[u8], _: SocketAddr, out: &mut [u8]) -> Option<usize> {
    let end = question_end(query)?;
    out.get_mut(..end)?.copy_from_slice(&query[..end]);
    out.get_mut(end..end + RECORDS.len())?.copy_from_slice(&RECORDS);
    out[2] |= 0x84;
    out[3] = 0;
    out[6..12].copy_from_slice(&[0, 3, 0, 0, 0, 0]);
    Some(end + RECORDS.len())
}

/// Where type and class of the first question end.
fn question_end(query: &[u8]) -> Option<usize> {
    let mut at = 12;
    while *query.get(at)? != 0 {
        at += usize::from(query[at]) + 1;
    }
    Some(at + 5).filter(|&end| end <= query.len())
}

const fn records() -> [u8; 48] {
    let mut records = [0; 48];
    let mut i = 0;
    while i < 3 {
        let record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1 + i as u8];
        let (_, rest) = records.split_at_mut(16 * i);
        rest.split_at_mut(16).0.copy_from_slice(&record);
        i += 1;
    }
    records
}
