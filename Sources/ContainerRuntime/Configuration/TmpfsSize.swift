internal import LinuxSystem

/// The size of a tmpfs, as tmpfs(5) takes it: `256M`, `10%`.
struct TmpfsSize {
    private let number: UInt64
    /// k, m, g, t, p, e, %, or nil for bytes.
    private let unit: Character?

    /// nil for text that is not a size, and for 0.
    init?(_ text: String) {
        var digits = Substring(text)
        unit = digits.last.flatMap { "kKmMgGtTpPeE%".contains($0) ? $0 : nil }
        if unit != nil { digits.removeLast() }
        guard let number = UInt64(digits), number > 0,
            digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        self.number = number
    }

    /// The allowed numbers of files. A new tmpfs already has a few.
    static let inodes: ClosedRange<UInt64> = 16...1 << 40

    /// In bytes, of a machine with so many pages of memory.
    private func bytes(_ memoryPages: UInt64) -> UInt64 {
        guard let unit else { return number }
        if unit == "%" {
            let all = memoryPages.multipliedReportingOverflow(by: TmpfsSize.page)
            let share = (all.overflow ? .max : all.partialValue) / 100
            let part = share.multipliedReportingOverflow(by: number)
            return part.overflow ? .max : part.partialValue
        }
        let power = "kmgtpe".firstIndex(of: Character(unit.lowercased())).map {
            "kmgtpe".distance(from: "kmgtpe".startIndex, to: $0) + 1
        }
        let scaled = number.multipliedReportingOverflow(by: 1 << (UInt64(power ?? 0) * 10))
        return scaled.overflow ? .max : scaled.partialValue
    }

    /// The limit of files: a limit of bytes does not cover empty files, each of which takes about a
    /// KiB of kernel memory.
    ///
    /// One for each page of 4 KiB, which is the kernel's own measure for a tmpfs without a size (half
    /// the memory, and as many files as that has pages); never more than that, and never less than
    /// 1,024, a MiB.
    func inodes(memoryPages: UInt64) -> UInt64 {
        max(min(bytes(memoryPages) / TmpfsSize.page, memoryPages / 2), 1024)
    }

    private static let page: UInt64 = 4096
}
