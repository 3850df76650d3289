"""Reports of compliance checks: 套合表 (XLSX) and 审查报告 (DOCX)."""

from processes.workflows.check_reports.report import docx_report
from processes.workflows.check_reports.workbook import xlsx_report

__all__ = ["docx_report", "xlsx_report"]
