internal import LinuxSystem
internal import SystemPackage

/// newuidmap(1) or newgidmap(1): gives a process ids that the administrator has set aside for its
/// user in `/etc/subuid` and `/etc/subgid`.
struct MappingHelper {
    let path: String
    let map: IDMap

    func run(_ process: Int32) throws(Failure) {
        let ranges = map.ranges.flatMap { [$0.inside, $0.outside, $0.count].map(String.init) }
        let program = Program(
            path: path, arguments: [path, String(process)] + ranges, environment: [])
        let outcome = try attempt(
            "execve", on: path, try program.run(input: [], within: 10_000_000_000))
        if outcome.ending == .exited(0) { return }
        let words = HookRunner.said(outcome.errorOutput)
        throw Failure(
            "\(path) does not give these ids: \(words.isEmpty ? "it says nothing" : words);"
                + " \(advice)")
    }

    private var advice: String {
        let status = KernelSetting.text("/proc/self/status") ?? ""
        if KernelSetting.field("NoNewPrivs", in: status) == "1" {
            return "no_new_privs is set on this process, with which no program has more rights than"
                + " its caller: start vfs-run from one that does not set it"
        }
        return
            "they must be set aside for this user in /etc/subuid and /etc/subgid, and \(path) must"
            + " be set-user-ID root on a file system without nosuid"
    }
}
