internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import SystemPackage

/// `linux.seccomp`
struct PrepareSeccomp: RuntimeStep {
    static let manual = StepManual(
        "prepare the seccomp filter",
        what: """
            Compiles the profile to a program for the kernel's packet filter (BPF), or takes it \
            from the cache.
            """,
        why: "In the runtime process: the cache is a file of the host.",
        calls: "openat, read")

    let profile: Configuration.SeccompProfile
    let cache: SeccompCache
    /// Whether the init process hides from the runtime process, which may then take no descriptor of
    /// it: the filter's listener comes by a message, where the filter lets sendmsg(2) pass.
    var hidesInit = false

    var summary: String {
        guard case .read(let profile) = profile else { return "take the compiled seccomp filter" }
        let names = Set(profile.syscalls.flatMap { $0.names.map(\.value) }).count
        let action = profile.defaultAction?.value.rawValue ?? ""
        return "prepare the seccomp filter: \(names) system calls named, \(action) for the rest"
    }
    let undoing = "the compiled filter stays in the cache"
    var gives: Provisions { [.seccompFilter] }

    func apply(_ context: RuntimeContext) throws(Failure) {
        try prepare(context)
        guard hidesInit, let filter = context.handover.seccompFilter, filter.notifies,
            let sendmsg = SystemCallNumber(named: "sendmsg"),
            let decisions = FilterStack([filter])
        else { return }
        context.handover.sendsListener = decisions.decide(sendmsg).isAllowed
    }

    private func prepare(_ context: RuntimeContext) throws(Failure) {
        if let filter = context.prepared?.filter {
            context.handover.seccompFilter = filter
            return
        }
        defer { context.prepared?.filter = context.handover.seccompFilter }
        switch profile {
        case .compiled(let filter): context.handover.seccompFilter = filter
        case .read(let profile):
            do {
                context.handover.seccompFilter = try cache.filter(for: profile)
            } catch {
                throw Failure(error.description)
            }
        }
    }
}
