public import SystemPackage

/// Why something failed: one sentence for the user, lower case, outermost first. The executable
/// prints it, once.
///
/// It is one pointer wide: that something may fail costs the way without a failure nothing.
public struct Failure: Error, Sendable, Hashable, CustomStringConvertible {
    /// The system call as its manual page names it: `openat2`; empty where a rule has failed.
    public var call: String {
        get { box.parts.call }
        set { change { $0.call = newValue } }
    }

    /// The object of the call, in quotation marks where it is a name: `"/dev/pts"`. Without a call the
    /// whole sentence.
    public var subject: String {
        get { box.parts.subject }
        set { change { $0.subject = newValue } }
    }

    /// The error number of the call; nil where a rule has failed.
    public var errno: Errno? {
        get { box.parts.errno }
        set { change { $0.errno = newValue } }
    }

    /// The remedy, lower case: `put both on one file system`.
    public var advice: String? {
        get { box.parts.advice }
        set { change { $0.advice = newValue } }
    }

    /// What a caller decides by.
    public var kind: Kind {
        get { box.parts.kind }
        set { change { $0.kind = newValue } }
    }

    /// The signal that ended the operation, of the kind `interrupted`.
    public var signal: CInt {
        get { box.parts.signal }
        set { change { $0.signal = newValue } }
    }

    /// Further failures of the same operation, a sentence each.
    public var others: [String] {
        get { box.parts.others }
        set { change { $0.others = newValue } }
    }

    private var place: String { box.parts.place }
    private var box: Box

    /// A call that failed.
    ///
    /// - Parameter subject: Printed as it is.
    public init(_ call: String, _ subject: String = "", _ errno: Errno, advice: String? = nil) {
        box = Box(Parts(call: call, subject: subject, errno: errno, advice: advice))
    }

    /// A rule that does not hold.
    ///
    /// - Parameter sentence: Where, what, and the remedy.
    public init(_ sentence: String, _ kind: Kind = .other) {
        box = Box(Parts(subject: sentence, kind: kind))
    }

    /// - Parameter lines: A sentence each, at least one.
    public init(_ lines: [String], _ kind: Kind = .other) {
        box = Box(
            Parts(subject: lines.first ?? "", kind: kind, others: Array(lines.dropFirst())))
    }

    /// The sentence.
    public var message: String {
        var text = place.isEmpty ? "" : place + ": "
        if let errno = box.parts.errno {
            text += call
            if !subject.isEmpty { text += " " + subject }
            text += ": " + errno.words
        } else {
            text += subject
        }
        return advice.map { text + "; " + $0 } ?? text
    }

    /// The sentence, and those of `others`.
    public var lines: [String] { [message] + others }

    public var description: String { message }

    /// The same with `place` in front: `config.json:41: mount proc on /proc`.
    public func within(_ place: String) -> Failure {
        var copy = self
        copy.change { $0.place = $0.place.isEmpty ? place : place + ": " + $0.place }
        return copy
    }

    /// The same with another remedy, if one is known.
    public func advised(_ advice: String?) -> Failure {
        guard let advice else { return self }
        var copy = self
        copy.advice = advice
        return copy
    }

    private mutating func change(_ body: (inout Parts) -> Void) {
        var parts = box.parts
        body(&parts)
        box = Box(parts)
    }

    public static func == (left: Failure, right: Failure) -> Bool {
        left.box.parts == right.box.parts
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(box.parts) }

    private struct Parts: Sendable, Hashable {
        var call = ""
        var subject: String
        var errno: Errno?
        var advice: String?
        var kind = Kind.other
        var signal: CInt = 0
        var place = ""
        var others: [String] = []
    }

    private final class Box: Sendable {
        let parts: Parts

        init(_ parts: Parts) {
            self.parts = parts
        }
    }
}

extension Failure {
    /// What kind of failure it is, where a caller or the exit code depends on it. The number is sent
    /// from the init process to the runtime process.
    public enum Kind: UInt8, Sendable, Hashable {
        case other
        /// The program to be executed does not exist.
        case programNotFound
        /// The program to be executed exists and cannot be executed.
        case programNotExecutable
        /// A signal has ended the operation; `Failure.signal` is its number.
        case interrupted
        /// The user has ended the operation at a step.
        case stopped
        /// The operation was carried out; the sentence tells what was left.
        case warning
        /// The object of the command does not exist.
        case missing
        /// A file of this user's own cannot be understood.
        case damaged
        /// The name is taken; another one would do.
        case taken
        /// The cgroup has children with controllers, so it cannot have processes.
        case divided
        /// The process has ended.
        case gone
        /// The directory was removed while it was being made.
        case removed
        /// The user lacks the permission for it.
        case forbidden
        /// The limit of memory is too small for it.
        case outOfMemory
    }
}

extension Errno {
    /// The kernel's word for it in lower case: `no such file or directory`. With a limit of this
    /// process's own, where that is the cause.
    public var words: String {
        let cause: (limit: ResourceLimit, option: String)? =
            switch self {
            case .fileTooLarge: (.fileSize, "-f")
            case .tooManyOpenFiles: (.openFiles, "-n")
            default: nil
            }
        guard let (limit, option) = cause, let number = limit.now else { return kernelWords }
        return "\(kernelWords): the limit \(limit.name) (ulimit \(option)) is \(number)"
    }

    private var kernelWords: String {
        let text = description
        guard let first = text.first, !text.dropFirst().prefix(1).allSatisfy(\.isUppercase) else {
            return text
        }
        return first.lowercased() + text.dropFirst()
    }
}

extension String {
    /// A name in a message: in quotation marks, of bounded length.
    public var inQuotes: String { "\"\(shortened(to: .longestName))\"" }
}

/// Makes a call; where it fails, says which call it was.
///
/// - Parameter advice: The remedy for an error number, if one is known.
@inline(__always)
public func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, advice: (Errno) -> String? = { _ in nil },
    _ body: @autoclosure () throws(Errno) -> Value
) throws(Failure) -> Value {
    do {
        return try body()
    } catch {
        throw Failure(call(), "", error, advice: advice(error))
    }
}

/// Makes a call; where it fails, says which call it was and the name of its object.
@inline(__always)
public func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, on name: @autoclosure () -> String,
    advice: (Errno) -> String? = { _ in nil }, _ body: @autoclosure () throws(Errno) -> Value
) throws(Failure) -> Value {
    do {
        return try body()
    } catch {
        throw Failure(call(), name().inQuotes, error, advice: advice(error))
    }
}

/// Makes a call; where it fails, says which call it was and describes its object: `of the watchdog`.
@inline(__always)
public func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String,
    advice: (Errno) -> String? = { _ in nil }, _ body: @autoclosure () throws(Errno) -> Value
) throws(Failure) -> Value {
    do {
        return try body()
    } catch {
        throw Failure(call(), subject(), error, advice: advice(error))
    }
}

/// The same of several calls that count as one.
@inline(__always)
public func attempt<Value: ~Copyable>(
    _ call: @autoclosure () -> String, _ subject: @autoclosure () -> String,
    _ body: () throws(Errno) -> Value
) throws(Failure) -> Value {
    do {
        return try body()
    } catch {
        throw Failure(call(), subject(), error)
    }
}
