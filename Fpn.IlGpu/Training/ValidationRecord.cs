using System.Text.Json;

namespace Fpn.IlGpu.Training;

/// <summary>The validations of a run so far, as its checkpoint keeps them.</summary>
/// <param name="Digest">The digest of the validation pictures and their objects (<see cref="DataDigest"/>).</param>
/// <param name="LastStep">The step after which the last validation was.</param>
/// <param name="BestStep">The step after which the best one was.</param>
/// <param name="Best">The figure of the best one.</param>
/// <param name="Worse">The number of validations since the best one.</param>
internal sealed record ValidationRecord(string Digest, int LastStep = 0, int BestStep = 0, double Best = -1, int Worse = 0)
{
    private const string Key = "fpn.training.validation";

    /// <summary>The record with one more validation.</summary>
    public ValidationRecord With(int step, double figure) => figure > Best
        ? this with { LastStep = step, BestStep = step, Best = figure, Worse = 0 }
        : this with { LastStep = step, Worse = Worse + 1 };

    /// <summary>Adds the record to the metadata of a checkpoint.</summary>
    public void AddTo(Dictionary<string, string> metadata) => metadata[Key] = JsonSerializer.Serialize(this);

    /// <summary>The record of a checkpoint; null if its run had no validation.</summary>
    /// <param name="path">The checkpoint, for messages.</param>
    /// <param name="metadata">Its metadata.</param>
    /// <exception cref="TrainingException">It can't be read.</exception>
    public static ValidationRecord? Of(string path, IReadOnlyDictionary<string, string> metadata)
    {
        if (!metadata.TryGetValue(Key, out var json))
            return null;
        try
        {
            return JsonSerializer.Deserialize<ValidationRecord>(json);
        }
        catch (JsonException e)
        {
            throw new TrainingException($"{path}: the record of its validations can't be read; start a new run.", e);
        }
    }
}
