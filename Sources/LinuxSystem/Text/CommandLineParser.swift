internal import CLinux
internal import Glibc

/// Options as getopt_long(3) reads them: `--name value`, `--name=value`, `-n value`, abbreviated
/// long names, options among operands, and `--` before what is no option any more.
public enum CommandLineParser {
    /// The arguments of this process, its own name not among them.
    public static var arguments: [String] {
        (1..<max(clinux_argument_count(), 1)).map { unsafe String(cString: clinux_argument($0)) }
    }

    /// The name by which this process was started, without its directory.
    public static var programName: String {
        guard clinux_argument_count() > 0 else { return "" }
        let path = unsafe String(cString: clinux_argument(0))
        return path.split(separator: "/").last.map(String.init) ?? ""
    }

    /// One option.
    public struct Form: Sendable {
        public var long: String
        public var short: Character?
        /// One that takes none may still be given one behind `=`, as `--detach=false`.
        public var takesValue: Bool
        /// Whether the letter too may have a value, in the same word: `-p64`.
        public var mayTakeValue: Bool

        public init(
            long: String, short: Character?, takesValue: Bool, mayTakeValue: Bool = false
        ) {
            self.long = long
            self.short = short
            self.takesValue = takesValue
            self.mayTakeValue = mayTakeValue
        }
    }

    /// A parsed command line.
    public struct Result: Sendable {
        /// In their order; the index is that of the form.
        public var options: [(form: Int, value: String?)] = []
        public var operands: [String] = []
    }

    /// Why a command line could not be read.
    public enum Failure: Error, Sendable, Hashable {
        case unknownOption(String)
        case missingValue(String)
    }

    /// Reads `arguments`, the command's name not among them. For one thread: the C library keeps
    /// its place.
    ///
    /// - Parameter inOrder: The first operand ends the options: what follows is another command's.
    public static func parse(
        _ arguments: [String], _ forms: [Form], inOrder: Bool = false
    ) throws(Failure) -> Result {
        let argv = CStringArray(["vfs-run"] + arguments)
        let names = CStringArray(forms.map(\.long))
        let table = UnsafeMutableRawPointer.allocate(
            byteCount: clinux_option_size() * (forms.count + 1), alignment: 16)
        defer { unsafe table.deallocate() }
        for (index, form) in forms.enumerated() {
            unsafe clinux_set_option(
                table, CInt(index), names.pointers[index], form.takesValue ? 1 : 0,
                firstValue + CInt(index))
        }
        unsafe clinux_set_option(table, CInt(forms.count), nil, 0, 0)
        // The colon: a missing value is told apart from an unknown option.
        var letters = inOrder ? "+:" : ":"
        for form in forms {
            guard let short = form.short else { continue }
            letters.append(short)
            if form.takesValue { letters += ":" }
            if form.mayTakeValue { letters += "::" }
        }
        var result = Result()
        var next: CInt = 0
        while true {
            var value: UnsafeMutablePointer<CChar>?
            let before = next
            let found = unsafe clinux_getopt_long(
                CInt(arguments.count + 1), argv.pointers, letters, table, &value, &next)
            if found == -1 { break }
            // The word that getopt has just looked at: it may have moved operands behind it.
            let word = argv[Int(max(next - 1, before, 1))]
            if found == CInt(UInt8(ascii: "?")) { throw .unknownOption(word) }
            if found == CInt(UInt8(ascii: ":")) { throw .missingValue(word) }
            let index =
                found >= firstValue
                ? Int(found - firstValue)
                : forms.firstIndex { $0.short?.asciiValue.map(CInt.init) == found } ?? 0
            result.options.append((index, unsafe value.map { unsafe String(cString: $0) }))
        }
        for index in Int(next)..<max(arguments.count + 1, Int(next)) {
            result.operands.append(argv[index])
        }
        return result
    }

    /// Above every character.
    private static let firstValue: CInt = 1000
}
