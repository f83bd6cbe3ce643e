using Fpn.IlGpu.Evaluation;

namespace Fpn.IlGpu.Training;

/// <summary>The figures of a validation.</summary>
/// <param name="Step">The number of steps after which the detector was evaluated.</param>
/// <param name="Figures">
/// AP and AP50 of the boxes, for Mask R-CNN also of the masks; for detectors without classes AR@1000 and AR@100. The first one decides
/// which model is the best.
/// </param>
/// <param name="IsBest">Whether it is better than all before it.</param>
public sealed record ValidationResult(int Step, IReadOnlyList<EvaluationFigure> Figures, bool IsBest);
