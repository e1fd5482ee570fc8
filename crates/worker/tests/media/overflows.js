// Datagrams that the kernel has thrown away since this machine was started because who they were for did not read: what a
// receiver misses for that was sent, and is missed by nobody's fault but the machine's.
'use strict';

const fs = require('fs');

function overflows() {
  // RFC 4293 names none of these: two lines for IPv4, of names and of numbers, and one for each number of IPv6.
  const [names, numbers] = read('snmp').split('\n').filter(line => line.startsWith('Udp:')).map(words);
  const v4 = Number(numbers?.[names.indexOf('RcvbufErrors')] ?? 0);
  const v6 = Number(/^Udp6RcvbufErrors\s+(\d+)$/m.exec(read('snmp6'))?.[1] ?? 0);
  return v4 + v6;
}

const words = line => line.trim().split(/\s+/);

function read(name) {
  try {
    return fs.readFileSync(`/proc/net/${name}`, 'latin1');
  } catch {
    return '';
  }
}

module.exports = { overflows };
