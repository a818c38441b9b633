internal import ContainerRuntime
internal import Explain
internal import JSON
internal import LinuxSystem
internal import OCISpec
internal import Seccomp
internal import Supervision
internal import SystemPackage

extension Option {
    static let explainsCalls = Option(
        "seccomp-explain",
        "print each system call that the seccomp profile refuses: the process, the arguments, the"
            + " rule, and the change that would allow it")
    static let recordsCalls = Option(
        "seccomp-record", value: "FILE", completes: .files,
        "write to FILE the least seccomp profile that the run needs, merged with the one there")
    static let omittedCalls = Option(
        "seccomp-omit", value: "CALL,…", "system calls that --seccomp-record leaves out")

    /// Of commands that stay with the program.
    static let seccompNotices = [explainsCalls, recordsCalls, omittedCalls]
}

extension ParsedArguments {
    /// The calls that the options ask for.
    var seccompNotices: SeccompNotices {
        guard takes(.explainsCalls) else { return [] }
        var notices: SeccompNotices = []
        if has(.explainsCalls) { notices.insert(.refused) }
        if has(.recordsCalls) { notices.insert(.allowed) }
        return notices
    }
}

/// Tells of the system calls of a run.
final class CallReporter {
    private let log: Log
    private let page: ProfilePage?
    private let recording: ProfileRecording?
    /// What has been told, and how often it came.
    private var told: [String: Int] = [:]
    private var untold = 0

    /// A program that tries the same for ever is told of once.
    private static let mostLines = 200

    /// Nil where no option asks for it.
    init?(_ arguments: ParsedArguments, _ plan: Plan) throws(Failure) {
        let notices = arguments.seccompNotices
        if notices.isEmpty {
            if arguments.takes(.omittedCalls), arguments.value(.omittedCalls) != nil {
                throw Failure("--seccomp-omit belongs to --seccomp-record, which is not given")
            }
            return nil
        }
        log = arguments.globals.log
        let profile = try NamedProfile(of: plan.document, file: plan.file, bundle: plan.bundle)
        if profile?.profile.notifies ?? false {
            throw Failure(
                "the seccomp profile notifies an agent of its own (SCMP_ACT_NOTIFY), and a process"
                    + " has one listener; remove --seccomp-explain and --seccomp-record")
        }
        if notices.contains(.refused) {
            guard let profile else {
                throw Failure(
                    "--seccomp-explain: the config has no seccomp profile, so no call is refused;"
                        + " add \"vfs\": {\"seccomp\": \"default\"}")
            }
            page = ProfilePage(profile.profile, try profile.stack) { profile.place($0) }
        } else {
            page = nil
        }
        recording = try arguments.value(.recordsCalls).map { (file) throws(Failure) in
            try ProfileRecording(file, without: arguments.values(.omittedCalls))
        }
    }

    func take(_ notice: CallNotice) {
        if notice.answer.isAllowed {
            recording?.add(notice)
        } else if let page {
            explain(notice, page)
        }
    }

    private func explain(_ notice: CallNotice, _ page: ProfilePage) {
        let name = notice.call.words
        let arguments = notice.arguments.map(Optional.some)
        let call = "\(name)(\(ProfilePage.list(notice.arguments, of: name, notice.text)))"
        let line = "\(notice.processName): \(call): \(notice.answer.words)"
        if let count = told[line] {
            told[line] = count + 1
            return
        }
        if told.count >= CallReporter.mostLines {
            untold += 1
            return
        }
        told[line] = 1
        log.tell(
            "seccomp refused \(call) of \(notice.processName) (pid \(notice.pid)) with"
                + " \(notice.answer.words), by \(page.rulePlace(name, arguments)); "
                + (notice.call.name == nil
                    ? "it has no name by which a profile could allow it"
                    : "to allow it: \(ProfilePage.changeText(name, arguments))"))
    }

    /// After the run.
    func finish(_ ending: Outcome.Ending) throws(Failure) {
        for (line, count) in told.sorted(by: { $0.key < $1.key }) where count > 1 {
            log.tell("seccomp refused \(count) times: \(line)")
        }
        if untold > 0 { log.tell("seccomp refused \(untold) further calls, which are not listed") }
        if ending == .signaled(Signal.badSystemCall) {
            log.tell(
                "the program was killed by SIGSYS: the profile kills for a call, and of that no"
                    + " notification is made; the kernel's log (dmesg, type=1326) has its number as"
                    + " syscall=")
        }
        try recording?.write(log)
    }
}
