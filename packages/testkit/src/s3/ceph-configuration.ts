interface Settings {
  readonly folder: string;
  /** The gateway's; the monitor has the next one, the store daemon chooses among those behind. */
  readonly port: number;
  readonly fsid: string;
  readonly store: "memstore" | "bluestore";
}

/** Ports that the store daemon may choose from. */
const OSD_PORTS = 10;

/** ceph.conf of a cluster of one daemon each, everything in one folder, nothing written twice. */
export function cephConfiguration({ folder, port, fsid, store }: Settings): string {
  return `
[global]
fsid = ${fsid}
mon_host = v2:127.0.0.1:${port + 1}/0
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_bind_port_min = ${port + 2}
ms_bind_port_max = ${port + 1 + OSD_PORTS}
auth_allow_insecure_global_id_reclaim = false
keyring = ${folder}/keyring
run_dir = ${folder}/run
crash_dir = ${folder}/run
admin_socket = ${folder}/run/$name.sock
pid_file =
log_to_file = false
log_to_stderr = true
err_to_stderr = true
mon_cluster_log_to_file = false
mon_cluster_log_to_stderr = false
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 8
osd_pool_default_pgp_num = 8
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 1000
# A test's machine may be nearly full.
mon_data_avail_warn = 2
mon_data_avail_crit = 1
# The defaults wait seconds for other members that a cluster of one doesn't have.
paxos_propose_interval = 0.05
paxos_min_wait = 0.01
mon_client_hunt_interval = 0.5
objecter_tick_interval = 0.5
ms_max_backoff = 0.5
[mon]
mon_data = ${folder}/mon
[osd]
osd_data = ${folder}/osd
osd_objectstore = ${store}
# A sparse file.
bluestore_block_size = ${20 * 1024 ** 3}
memstore_device_bytes = ${8 * 1024 ** 3}
osd_memory_target = ${1024 ** 3}
[client]
rgw_data = ${folder}/rgw
# Without tcp_nodelay every small answer waits 40 ms for a delayed acknowledgement.
rgw_frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
rgw_enable_usage_log = false
`;
}
