public import LinuxSystem

/// `-e` and `--env-file`, as podman takes them.
public enum Variables {
    /// `NAME=value`; `NAME` alone has the caller's value; `NAME*` those of the caller that begin so.
    ///
    /// - Parameter caller: The value of a variable of the caller's.
    /// - Returns: Nil for a name that the caller does not have.
    public static func entry(
        _ text: String, caller: (String) -> String?
    ) throws(Failure) -> String? {
        let name = text.prefix { $0 != "=" }
        if name.isEmpty || name.utf8.contains(0) {
            throw Failure("-e: \(text.inQuotes) is not NAME=VALUE or the name of a variable")
        }
        if name.utf8.count < text.utf8.count { return text }
        return caller(text).map { "\(text)=\($0)" }
    }

    /// The lines of a file. Empty ones and those that begin with `#` say nothing.
    public static func entries(
        in bytes: [UInt8], named file: String, caller: (String) -> String?
    ) throws(Failure) -> [String] {
        var found: [String] = []
        for (number, line) in bytes.split(
            separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false
        ).enumerated() {
            var text = String(decoding: line, as: UTF8.self)
            if text.hasSuffix("\r") { text.removeLast() }
            let start = text.drop { $0 == " " || $0 == "\t" }
            if start.isEmpty || start.hasPrefix("#") { continue }
            do throws(Failure) {
                if let entry = try entry(String(start), caller: caller) { found.append(entry) }
            } catch {
                throw Failure(
                    "--env-file: \(file):\(number + 1): \(String(start).inQuotes) is not NAME=VALUE"
                        + " or the name of a variable")
            }
        }
        return found
    }
}
