internal import JSON

/// The files of one directory as figures.
struct CounterFiles {
    let directory: String
    let isVersion2: Bool
    let texts: TextsRead

    func read(_ name: String) -> String { texts.text(directory, name) }

    func exists(_ name: String) -> Bool { texts.exists(directory, name) }

    func number(_ name: String) -> UInt64? { UInt64(read(name)) }

    /// `max` as the greatest number.
    func limit(_ name: String) -> UInt64? {
        let text = read(name)
        return text == "max" ? .max : UInt64(text)
    }

    func value(_ name: String, _ key: String) -> UInt64? {
        GroupFile.value(in: read(name), key: key)
    }

    /// Lines of words.
    func table(_ name: String) -> [[Substring]] {
        read(name).split(separator: "\n").map { $0.split(separator: " ") }
    }

    /// How long processes have waited for want of it; nil in version 1 and where the kernel does
    /// not count.
    func pressure(_ name: String) -> JSONOutput? {
        if !isVersion2 { return nil }
        let lines = table(name).filter { $0.count == 5 }
        if lines.isEmpty { return nil }
        return .object(
            lines.map { words in
                let members = words.dropFirst().map { word -> (key: String, value: JSONOutput) in
                    let parts = word.split(separator: "=", maxSplits: 1)
                    return (String(parts[0]), Figures.decimal(parts.last ?? ""))
                }
                return (String(words[0]), .object(members))
            })
    }
}

/// Files that were read, by their paths: one file has several figures.
final class TextsRead {
    private var texts: [(path: String, text: String?)] = []

    func text(_ directory: String, _ name: String) -> String { read(directory, name) ?? "" }

    func exists(_ directory: String, _ name: String) -> Bool { read(directory, name) != nil }

    private func read(_ directory: String, _ name: String) -> String? {
        let path = directory + "/" + name
        if let known = texts.first(where: { $0.path == path }) { return known.text }
        let text = GroupFile.read(directory, name)
        texts.append((path, text))
        return text
    }
}
