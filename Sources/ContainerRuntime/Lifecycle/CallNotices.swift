package import LinuxSystem
public import Seccomp
package import SystemPackage

/// A system call of the container that the runtime process was notified of.
public struct CallNotice {
    public let call: SystemCallNumber
    public let arguments: [UInt64]
    /// As the host numbers it.
    public let pid: Int32
    /// What the profile says, and what the call gets.
    public let answer: FilterAnswer
    private let notification: SeccompNotification
    private let listener: FileDescriptor

    fileprivate init(
        _ notification: SeccompNotification, _ listener: FileDescriptor, _ answer: FilterAnswer
    ) {
        call = SystemCallNumber(notification.number, on: notification.architecture)
        arguments = notification.arguments
        pid = notification.pid
        self.answer = answer
        self.notification = notification
        self.listener = listener
    }

    /// The string that an argument points to: what the process has there now, printable and cut. Nil
    /// where it cannot be read.
    public func text(_ index: Int) -> String? {
        guard arguments.indices.contains(index) else { return nil }
        return notification.text(at: arguments[index], upTo: 256, listener)?.printable
    }

    /// The name that the process has given itself.
    public var processName: String {
        let bytes = (try? HostPath.readShort("/proc/\(pid)/comm")) ?? []
        return String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self).printable
    }
}

/// Answers the notifications of a filter by what its profile says.
package final class CallNotices {
    private let decisions: FilterStack
    private let wanted: SeccompNotices
    private var listener: HeldDescriptor?
    /// What calls are answered without a look at them.
    private var known: [SystemCallNumber: FilterAnswer] = [:]

    init(_ decisions: FilterStack, _ wanted: SeccompNotices) {
        self.decisions = decisions
        self.wanted = wanted
    }

    func take(_ listener: HeldDescriptor) { self.listener = listener }

    /// What to wait for; nil as long as there is no filter.
    package var watched: FileDescriptor? { listener?.borrowed }

    /// `ENOSYS`, as the kernel has it where nobody answers.
    private static let notImplemented: UInt32 = 38

    /// The most that are answered before something else gets its turn.
    private static let mostAtOnce = 64

    /// Answers those that wait.
    ///
    /// - Parameter tell: Is told of each, before it is answered.
    package func handle(_ tell: (CallNotice) -> Void) throws(Failure) {
        guard let listener = listener?.borrowed else { return }
        for _ in 0..<CallNotices.mostAtOnce {
            do throws(Errno) {
                let events = try Poll.ready(listener, .readable)
                if !events.contains(.readable) {
                    // No process has the filter any more.
                    if !events.isEmpty { self.listener = nil }
                    return
                }
                try answer(try SeccompNotification.receive(listener), listener, tell)
            } catch .noSuchFileOrDirectory {
                // The process was killed meanwhile.
            } catch .interrupted {
                return
            } catch {
                throw Failure("ioctl", "of the seccomp listener", error)
            }
        }
    }

    private func answer(
        _ notification: SeccompNotification, _ listener: FileDescriptor,
        _ tell: (CallNotice) -> Void
    ) throws(Errno) {
        let answer = decide(notification)
        tell(CallNotice(notification, listener, answer))
        // What the filter says with these arguments, and nothing else: the memory that they point to
        // plays no part in it, so the process can change nothing by changing that.
        switch answer.kind {
        case .allow, .log: try notification.answer(.goOn, listener)
        case .errno: try notification.answer(.error(answer.data), listener)
        default:
            try notification.answer(.error(CallNotices.notImplemented), listener)
        }
    }

    private func decide(_ notification: SeccompNotification) -> FilterAnswer {
        let call = SystemCallNumber(notification.number, on: notification.architecture)
        if let answer = known[call] { return answer }
        let decision = decisions.decide(call)
        if let answer = decision.answer {
            if known.count < 4096 { known[call] = answer }
            return answer
        }
        // With all arguments known there is one way: else it is refused.
        return decisions.decide(call, notification.arguments).answer
            ?? FilterAnswer(rawValue: 0x0005_0001)
    }
}
