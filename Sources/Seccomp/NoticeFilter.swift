public import LinuxSystem
internal import SystemPackage

/// A filter with notifications in the place of some answers.
public struct NoticeFilter {
    /// The one that the kernel gets.
    public let filter: SeccompFilter
    /// What the filter decides without notifications.
    public let decisions: FilterStack
    /// Whether the init process may send the listener by sendmsg(2).
    public let allowsSending: Bool

    /// Everything is allowed.
    public static let allowing = SeccompFilter(
        program: Instruction(.return, FilterAnswer.allow.rawValue).bytes, flags: 0)

    /// - Parameters:
    ///   - filter: One that this program has compiled.
    ///   - refused: Whether calls that it answers with an error are notified of.
    ///   - allowed: Whether calls that it allows are.
    ///   - waitsKilled: Whether the kernel knows a wait that only a fatal signal ends.
    /// - Throws: A sentence, where it cannot be done.
    public init(
        _ filter: SeccompFilter, refused: Bool, allowed: Bool, waitsKilled: Bool
    ) throws(Failure) {
        guard let decisions = FilterStack([filter]), let program = decisions.programs.first else {
            throw Failure("the seccomp filter is no program")
        }
        self.decisions = decisions
        allowsSending =
            SystemCallNumber(named: "sendmsg").map { decisions.decide($0).isAllowed } ?? false
        var instructions = try NoticeFilter.head(decisions, allowsSending)
        for instruction in program.instructions {
            var changed = instruction
            if instruction.operation == .return {
                let kind = FilterAnswer(rawValue: instruction.constant).kind
                if kind == .errno && refused || kind == .allow && allowed {
                    changed.constant = NoticeFilter.notify
                }
            } else if instruction.operation.rawValue & 0x07 == 0x06 {
                throw Failure("the seccomp filter calculates its answers")
            }
            instructions.append(changed)
        }
        // TSYNC_ESRCH with TSYNC: with a listener the kernel cannot answer a thread's id.
        let together: UInt32 = filter.flags & 1 != 0 ? 16 : 0
        let killable: UInt32 = waitsKilled ? 32 : 0
        self.filter = SeccompFilter(
            program: instructions.flatMap(\.bytes),
            flags: filter.flags | SeccompFilter.newListener | together | killable)
    }

    /// `SECCOMP_RET_USER_NOTIF`
    private static let notify: UInt32 = 0x7fc0_0000
    /// `SECCOMP_FILTER_FLAG_NEW_LISTENER`
    private static let newListener: UInt32 = 8

    /// Some calls before all others. write(2) is never notified of, nor sendmsg(2) where it is allowed:
    /// the init process tells the runtime process of the listener by them. And no filter of the program's
    /// own may have a listener: of two notifications the newer filter's counts, and it could have the
    /// kernel go on.
    private static func head(
        _ decisions: FilterStack, _ allowsSending: Bool
    ) throws(Failure) -> [Instruction] {
        guard let write = SystemCallNumber(named: "write"),
            let seccomp = SystemCallNumber(named: "seccomp"),
            let sendmsg = SystemCallNumber(named: "sendmsg")
        else { throw Failure("libseccomp does not know write(2)") }
        guard let answer = decisions.decide(write).answer else {
            throw Failure(
                "the seccomp profile decides about write(2) by its arguments; a filter with"
                    + " notifications cannot do that")
        }
        let busy = UInt32(Errno.resourceBusy.rawValue)
        return [
            Instruction(.load, Instruction.architecture),
            Instruction(.jumpIfEqual, SystemCallNumber.native, onTrue: 0, onFalse: 9),
            Instruction(.load, Instruction.number),
            Instruction(.jumpIfEqual, write.number, onTrue: 0, onFalse: 1),
            Instruction(.return, answer.rawValue),
            Instruction(
                .jumpIfEqual, sendmsg.number, onTrue: allowsSending ? 0 : 1, onFalse: 1),
            Instruction(.return, FilterAnswer.allow.rawValue),
            Instruction(.jumpIfEqual, seccomp.number, onTrue: 0, onFalse: 3),
            Instruction(.load, ArgumentFacts.offset(1)),
            Instruction(.jumpIfAnySet, newListener, onTrue: 0, onFalse: 1),
            Instruction(.return, 0x0005_0000 | busy),
        ]
    }
}
