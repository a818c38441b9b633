public import LinuxSystem
internal import SystemPackage

/// `-e` and `--env-file`, as podman takes them.
public struct Variables {
    /// Of the caller: `NAME=value` each.
    private let caller: [String]
    /// `NAME=value`
    public private(set) var entries: [String] = []

    public init(caller: [String]) { self.caller = caller }

    /// `NAME=value`; `NAME` alone has the caller's value, if there is one; `NAME*` stands for all of
    /// the caller's variables that begin with NAME.
    public mutating func add(_ text: String) throws(Failure) {
        do throws(Failure) {
            entries += try read(text)
        } catch {
            throw error.within("-e \(text.inQuotes)")
        }
    }

    private func read(_ text: String) throws(Failure) -> [String] {
        let name = text.prefix { $0 != "=" }
        if name.isEmpty { throw Failure("it is not NAME=VALUE or the name of a variable") }
        if text.utf8.contains(0) { throw Failure("no variable can have a NUL in it") }
        if name.utf8.count < text.utf8.count { return [text] }
        if text.hasSuffix("*") {
            let start = text.dropLast()
            return caller.filter { $0.hasPrefix(start) && $0.utf8.contains(UInt8(ascii: "=")) }
        }
        return caller.first { $0.hasPrefix(text + "=") }.map { [$0] } ?? []
    }

    /// The lines of a file. Empty ones and those that begin with `#` say nothing.
    public mutating func add(file: String) throws(Failure) {
        do throws(Failure) {
            if file.isEmpty { throw Failure("the name is empty; is a variable unset?") }
            try add(lines: Variables.content(of: file), of: file)
        } catch {
            throw error.within("--env-file")
        }
    }

    mutating func add(lines bytes: [UInt8], of file: String) throws(Failure) {
        for (number, line) in bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).enumerated() {
            var text = String(decoding: line, as: UTF8.self)
            if text.hasSuffix("\r") { text.removeLast() }
            let start = text.drop { $0 == " " || $0 == "\t" }
            if start.isEmpty || start.hasPrefix("#") { continue }
            do throws(Failure) {
                entries += try read(String(start))
            } catch {
                throw error.within("\(file):\(number + 1): \(String(start).inQuotes)")
            }
        }
    }

    private static let mostBytes = 1 << 20

    private static func content(of file: String) throws(Failure) -> [UInt8] {
        // Without waiting for the writer of a FIFO.
        let opened = try attempt(
            "open", on: file,
            try HostPath.open(file, [.readOnly, .nonBlocking, .noControllingTerminal]))
        let status = try attempt("fstat", on: file, try FileStatus.of(opened.borrowed))
        if status.kind != .regular {
            throw Failure("\(file.inQuotes) is not a regular file; name one with a variable a line")
        }
        if status.size > mostBytes {
            throw Failure(
                "\(file.inQuotes) has more than the \(Quantity.size(UInt64(mostBytes))) that a file of"
                    + " variables may have")
        }
        return try attempt(
            "read", on: file, try opened.borrowed.readAll(limit: mostBytes))
    }
}
