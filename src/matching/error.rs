//! What can be wrong with the data that a model is trained on, and with a model file.

/// Why there is no model.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No record at all.
    #[error("no records to train on: load data first")]
    NoRecords,
    /// One record makes no pair.
    #[error("one record makes no pair to learn from: load at least two different records")]
    OneRecord,
    /// No record has a value that is compared.
    #[error(
        "no record has a value that can be compared: map names, dates of birth, contacts or addresses in `sources.toml`"
    )]
    NothingComparable,
    /// All records are the same.
    #[error("all {records} records are equal in everything that is compared: nothing tells persons apart")]
    AllEqual {
        /// How many there are.
        records: usize,
    },
    /// The file is no model.
    #[error("not a model file, or one that no training wrote")]
    NoModel,
    /// The file is of another version.
    #[error("model of format `{found}`, this version reads `{expected}`: train again")]
    ModelVersion {
        /// What the file says.
        found: String,
        /// What is read.
        expected: &'static str,
    },
    /// The file is not as training wrote it.
    #[error("the model file was altered after training: take the original or train again")]
    ModelEdited,
    /// The file is too large to be a model.
    #[error("model file of {bytes} bytes, at most {max} are read")]
    ModelTooLarge {
        /// Bytes of the file.
        bytes: usize,
        /// Bytes that are read.
        max: usize,
    },
}
