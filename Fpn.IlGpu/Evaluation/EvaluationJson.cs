using System.Text.Encodings.Web;
using System.Text.Json;

namespace Fpn.IlGpu.Evaluation;

/// <summary>
/// Writes figures as JSON: for each kind <c>stats</c> (12 figures, in the order of <c>stats_order</c>), <c>ap_by_class</c>,
/// <c>ap50_by_class</c> and <c>proposals</c>, under <c>bbox</c> or <c>segm</c>. Proposals have no classes, so they get only <c>proposals</c>.
/// </summary>
public static class EvaluationJson
{
    private static readonly JsonWriterOptions Options = new()
    {
        Indented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Writes the evaluations.</summary>
    /// <param name="evaluations">At most one of each kind.</param>
    /// <param name="stream">Receives UTF-8; stays open.</param>
    /// <param name="proposalsOnly">Whether the results have no classes.</param>
    public static void Write(IEnumerable<CocoEvaluation> evaluations, Stream stream, bool proposalsOnly = false)
    {
        ArgumentNullException.ThrowIfNull(evaluations);
        string[] order = [];
        using var json = new Utf8JsonWriter(stream, Options);
        json.WriteStartObject();
        foreach (var evaluation in evaluations)
        {
            json.WriteStartObject(NameOf(evaluation.Kind));
            if (!proposalsOnly)
            {
                order = [.. evaluation.Figures.Select(figure => figure.Name)];
                json.WriteStartArray("stats");
                foreach (var figure in evaluation.Figures)
                    json.WriteNumberValue(figure.Value);
                json.WriteEndArray();
                WriteFigures(json, "ap_by_class", evaluation.ClassFigures);
                WriteFigures(json, "ap50_by_class", evaluation.ClassFigures50);
            }
            WriteFigures(json, "proposals", evaluation.ProposalFigures);
            json.WriteEndObject();
        }
        if (order.Length > 0)
        {
            json.WriteStartArray("stats_order");
            foreach (var name in order)
                json.WriteStringValue(name);
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    /// <summary>COCO's name of a kind: bbox or segm.</summary>
    public static string NameOf(EvaluationKind kind) => kind == EvaluationKind.Box ? "bbox" : "segm";

    private static void WriteFigures(Utf8JsonWriter json, string name, IReadOnlyList<EvaluationFigure> figures)
    {
        json.WriteStartObject(name);
        foreach (var figure in figures)
            json.WriteNumber(figure.Name, figure.Value);
        json.WriteEndObject();
    }
}
