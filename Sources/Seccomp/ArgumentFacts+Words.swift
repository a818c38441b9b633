extension ArgumentFacts {
    /// What they say of the arguments, joined by "and"; empty where nothing is known.
    ///
    /// - Parameter isExact: With a mark where the way is not certain.
    func words(isExact: Bool) -> String {
        var parts: [String] = []
        for index in 0..<6 {
            let offset = ArgumentFacts.offset(index)
            let name = "arg\(index)"
            let (low, high) = (words[offset], words[offset + 4])
            if let low = low?.value, let high = high?.value {
                let value = UInt64(high) << 32 | UInt64(low)
                parts.append("\(name) == \(value.argumentWords)")
                continue
            }
            if let high, !(high.value == 0 && low != nil) {
                parts += high.conditions("high half of \(name)")
            }
            // Masks that lie in the low half are those of the whole argument.
            let isWhole = high?.value == 0 || low?.hasMaskAlone ?? false
            if let low { parts += low.conditions(isWhole ? name : "low half of \(name)") }
        }
        for offset in [8, 12] as [UInt32] {
            parts += words[offset]?.conditions("instruction pointer") ?? []
        }
        let mark = isExact && !isCertain ? " (perhaps)" : ""
        return parts.joined(separator: " and ") + mark
    }
}

extension ArgumentFacts.Word {
    fileprivate var hasMaskAlone: Bool {
        least == 0 && most == .max && not.allSatisfy { $0[0] != .max }
    }

    fileprivate func conditions(_ name: String) -> [String] {
        if let value { return ["\(name) == \(UInt64(value).argumentWords)"] }
        var parts: [String] = []
        if least > 0 { parts.append("\(name) >= \(UInt64(least).argumentWords)") }
        if most < .max { parts.append("\(name) <= \(UInt64(most).argumentWords)") }
        if mask != 0 {
            parts.append(
                "\(name) & \(UInt64(mask).argumentWords) == \(UInt64(bits).argumentWords)")
        }
        let excluded = not.sorted { ($0[0], $0[1]) < ($1[0], $1[1]) }
        // What the bounds say already is not said again.
        let values = excluded.filter { $0[0] == .max && (least...most).contains($0[1]) }
        if !values.isEmpty {
            let list = values.map { UInt64($0[1]).argumentWords }.joined(separator: ", ")
            parts.append(values.count == 1 ? "\(name) != \(list)" : "\(name) not \(list)")
        }
        for pair in excluded where pair[0] != .max && (pair[1] ^ bits) & mask & pair[0] == 0 {
            parts.append(
                "\(name) & \(UInt64(pair[0]).argumentWords) != \(UInt64(pair[1]).argumentWords)")
        }
        return parts
    }
}

extension UInt64 {
    /// Small numbers in decimal digits, others in hexadecimal ones.
    public var argumentWords: String { self < 4096 ? "\(self)" : "0x" + String(self, radix: 16) }
}
