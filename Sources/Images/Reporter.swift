/// Says to the user what happens.
public protocol Reporter: AnyObject {
    /// A line to be read.
    func note(_ words: String)
    /// How far it is; called often: a quarter of a megabyte apart.
    func progress(_ layer: String, done: Int64, of total: Int64?)
    /// There is no progress to be shown for now.
    func endProgress()
}
