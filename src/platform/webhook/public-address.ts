import { BlockList, isIP } from 'node:net';

/**
 * What is not an address of the public internet, by the registries of special-purpose addresses (IANA,
 * iana-ipv4-special-registry and iana-ipv6-special-registry; RFC 6890).
 */
const SPECIAL_IPV4 = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // shared, behind a carrier's NAT
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, and the metadata of clouds
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
] as const;

/** All that is handed out. Loopback, unique local, link-local, multicast, mapped and translated IPv4 are outside. */
const GLOBAL_IPV6 = ['2000::', 3] as const;

const SPECIAL_IPV6 = [
  ['2001::', 23], // protocol assignments, Teredo
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: any IPv4 address
  ['3fff::', 20], // documentation
] as const;

const SPECIAL = blockListOf('ipv4', SPECIAL_IPV4);
const SPECIAL_IN_IPV6 = blockListOf('ipv6', SPECIAL_IPV6);
const GLOBAL_IN_IPV6 = blockListOf('ipv6', [GLOBAL_IPV6]);

/** Whether it is an IP address that anybody on the internet means the same host by. False for anything else. */
export function isPublicAddress(address: string): boolean {
  switch (isIP(address)) {
    case 4:
      return !SPECIAL.check(address, 'ipv4');
    case 6:
      // With a zone (`fe80::1%eth0`) it is link-local.
      return !address.includes('%') && GLOBAL_IN_IPV6.check(address, 'ipv6') && !SPECIAL_IN_IPV6.check(address, 'ipv6');
    default:
      return false;
  }
}

function blockListOf(family: 'ipv4' | 'ipv6', networks: readonly (readonly [address: string, prefix: number])[]) {
  const list = new BlockList();
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, family);
  return list;
}
