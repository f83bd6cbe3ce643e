using System.CommandLine;

namespace Fpn.IlGpu.Cli;

/// <summary><c>fpn data</c>: converts, splits, measures, selects, merges and shows annotated pictures.</summary>
internal static class DataCommand
{
    public static Command Create() => new("data", "Converts, splits, measures, selects, merges and shows annotated pictures.")
    {
        DataConvertCommand.Create(),
        DataSplitCommand.Create(),
        DataSubsetCommand.Create(),
        DataMergeCommand.Create(),
        DataStatsCommand.Create(),
        DataShowCommand.Create(),
    };
}
